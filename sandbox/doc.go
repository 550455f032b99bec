// Package sandbox is a WeCom in a box: a simulated company with staff, customers and
// customer groups, behind the API and the encrypted callbacks that a WeCom program sees.
// Bots are developed, tested and demonstrated against it.
//
// New makes a company; Handler serves the simulated API under /cgi-bin/. People are moved by
// Go methods (Join, Leave, Say, Confirm, PressCard …), by package panel, which puts a control
// page and a control API under /sandbox/, or by a story (package stories). Whatever they do
// makes the same callbacks as on the platform.
//
// Beside the API, Handler serves the pages on which staff and customers log in to a bot's own
// pages, and the images that were uploaded for ever. Group robots speak through webhooks
// (AddRobot), smart robots through a callback of their own (AddSmartRobot).
//
// Time comes from Config.Now, which may be moved by hand. What is to happen later waits in
// two queues; Due says when the next thing is due, Step does all that is due now, and Run is
// a loop around the same in real time. One seed decides everything random: the same seed and
// the same calls in the same order give the same bytes.
//
// It is written from the platform's documentation only and shares no code with the programs
// it tests, except the envelope of callbacks. Where the documentation is silent it does the
// less convenient thing that is still plausible.
package sandbox
