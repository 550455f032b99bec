// Package spam judges Chinese messages of customer groups: advertising, fraud, gambling,
// pornography, black-market jobs and pulling members into other groups are spam; orders,
// questions, complaints and everyday talk are not.
//
// It reads one text and knows nothing else. Who wrote it, how long they have been in the
// group and what they wrote before is for the caller to weigh; a shop's own promotion and
// a stranger's may be the same words. The verdict always comes with its reasons.
//
// How a text is judged:
//
//  1. It is read into a comparison form (units.go, fold.go): half-width, lower case,
//     simplified, without invisible characters, look-alikes and styled letters folded,
//     separators taken out. Every unit remembers where it stood in the original.
//  2. One pass of a multi-pattern matcher over the comparison form finds the vocabulary
//     (vocab.txt); small readers find what no list can hold: numbers, account names,
//     links, ratios, order lists. What they find are signals.
//  3. The text is cut into clauses. For every window of one to six clauses two things are
//     added up: what the table of checks (checks.go) says to its signals, and what a
//     trained model (model.go) says to its runs of characters and syllables, to what was
//     folded or stood in between, and to its length (features.go). The window that speaks
//     loudest for spam is the verdict, so that harmless text around an advertisement does
//     not dilute it.
//
// All weights are in units of log-odds and add up to the score. Those of the checks are
// learnt with the model (train.go), but none changes sides, and complaints keep theirs.
// MODEL.md tells what the built-in model was made from. All of it runs in time linear in
// what is read, and at most the first and the last eight KiB of a text are read.
package spam
