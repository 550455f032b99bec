// Package promotions plans what is posted in groups again and again, has the owners of the
// groups confirm it, and follows it until WeCom tells what became of it.
//
// A promotion's time that has come becomes an occurrence; planning writes a delivery for each
// group and a task for each owner, in small transactions; the outbox submits the tasks, and
// results are polled until each delivery has its end.
package promotions
