// Package cron reads schedules of five fields and says when they come by the wall clock of
// a zone. It needs nothing but the standard library.
package cron
