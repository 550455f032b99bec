// Package rehearse lives through days to come in advance: the company's own promotions,
// rules and groups, copied from its database, against a sandbox that knows the same groups,
// in virtual time, with the program's own code. It says what would be sent when to whom,
// what it would cost and what would be refused. The database is only read.
//
// The copy is the books as they were at their last entry; from there on time runs virtually,
// first up to the first day that was asked for, then through the days themselves. Mass
// messages that were promised but not submitted are submitted then, as the program would
// after a restart; tasks that wait for their owner go on waiting in the sandbox. What only
// the real platform could go on with (callbacks not handled yet, greetings not sent yet) is
// left out and counted. Who comes, goes and confirms is drawn from the company's past with
// a seed; what the books do not know, such as who is hidden from the app, stays unknown.
package rehearse
