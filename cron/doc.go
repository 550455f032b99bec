// Package cron reads schedules of five fields and says when they come by the wall clock of
// a zone.
package cron
