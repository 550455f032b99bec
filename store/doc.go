// Package store is all of the house's memory: what came in (inbox), what is to go out
// (outbox), when things were due (slots), and the facts in between: groups, stays,
// channels, rewards, promotions, cases.
//
// There is one Store for two dialects, SQLite and PostgreSQL. Reads go through Reader,
// writes through Tx; the raw handles stay inside. Times are kept as whole milliseconds
// since 1970 in UTC, so that they compare alike in both dialects; a zero time is NULL.
package store
