// Package bot is the language of the house: the ids, the events that come in, the
// actions that go out, the groups and people they are about, and what a platform can do.
//
// It imports nothing but the standard library, and every other room speaks it. The wire
// spelling of a platform (external_userid, invitor, member_version …) ends in that
// platform's own room; here the names are the field's.
//
// All times are UTC inside the program; money is int64 fen (1 yuan = 100 fen).
package bot
