// Package handlers holds the features, one file each. A feature reacts to events that are
// written down, decides in one short transaction, and writes down facts and actions; it
// never acts on the outside itself. Router says who wants what, Dispatcher is the pump.
package handlers
