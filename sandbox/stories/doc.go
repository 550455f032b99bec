// Package stories lets people live in a simulated WeCom (package sandbox): stores with
// staff and customer groups, customers who come, talk and leave, owners who confirm or do
// not, spammers, and things that happen at a time.
//
// A story is a YAML file. Packs are part of the program: Names lists them, Load reads one of
// them or a file of one's own, and Begin lets it be lived. STORIES.md in this folder explains
// every key. Everything is drawn from the sandbox's seed: the same seed lives the same days,
// byte by byte, as long as the bot does the same.
package stories
