// Package sandbox is a WeCom in a box: a simulated company with staff, customers and
// customer groups, and its official account, behind the API and the encrypted callbacks that
// programs see. Bots are developed, tested and demonstrated against it.
//
// New makes a company; Handler serves the platform. People are moved by Go methods (Join,
// Leave, Say, Confirm, PressCard …), by package panel, which puts a control page and a control
// API under /sandbox/, or by a story (package stories). Whatever they do makes the same
// callbacks as on the platform. EstablishGroup and the methods that begin with Plant put in
// what has been there before, without callbacks.
//
// # What is served
//
// Below /cgi-bin/, each family of calls in a file of its own: tokens, tickets, logins
// (token.go, tickets.go, login.go); the directory (directory.go); contacts, their tags, ways
// and links (contacts.go, tagcalls.go, contactways.go, acquisition.go), ids (ids.go) and what
// becomes of them when somebody leaves (handovers.go, transfers.go); customer groups and their
// codes (chats.go, joinways.go); welcomes (welcome.go, grouptemplates.go); mass messages and
// moments with their results (massmessages.go, massresults.go, moments.go, momentresults.go);
// what staff must not write (intercepts.go); statistics (statistics.go); the app's messages,
// cards and internal chats (messages.go, cards.go, appchats.go); group robots and smart robots
// (robots.go, smartrobots.go); files (media.go). The official account is in the files that
// begin with officialaccount; its calls are below /cgi-bin/, /sns/ and /wxaapi/ at the same
// address. Beside the calls there are the pages on which people log in (loginpage.go), and
// pictures at the addresses that were given for them. Endpoints lists every call.
//
// api.go answers a request, args.go reads its arguments with the platform's codes, cursors.go
// cuts pages, limits.go keeps the frequency limits, faults.go lets things go wrong on purpose,
// requests.go remembers what came and what was answered, without secrets. callbacks.go
// delivers what events.go writes, and passivereplies.go carries out what is answered to it.
//
// # Time and chance
//
// Time comes from Config.Now, which may be moved by hand. What is to happen later waits in
// two queues; Due says when the next thing is due, Step does all that is due now, Run is a
// loop around the same in real time, and MoveTo moves the clock through everything on the way
// (agenda.go, move.go). One seed decides everything random: the same seed and the same calls
// in the same order give the same bytes (dice.go). Days and months are those of Asia/Shanghai.
//
// One mutex guards a company: what reads or changes it takes the mutex (enter, leave), which is
// never held while talking to anyone outside.
//
// It is written from the platform's documentation only and shares no code with the programs
// it tests, except the envelope of callbacks. Where the documentation is silent it does the
// less convenient thing that is still plausible.
package sandbox
