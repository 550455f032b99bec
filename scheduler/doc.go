// Package scheduler is what the clock asks: appointments that are rows (Runner), work that
// falls due by itself (duties), and the outbox pump (Sender).
package scheduler
