// Package codes is what is printed and what a scan shows: posters and cards of QR codes as PDF
// and PNG, a page of cards for a store, a ZIP for many stores, and the page that a phone sees
// when somebody scans a poster.
package codes
