// Package api is the program's face for other programs: the JSON API with its OpenAPI
// document, and the signed feed of what is said in groups.
package api
