package store

// Reason is one argument for or against a verdict.
type Reason struct {
	Check  string  `json:"check"`
	Detail string  `json:"detail"`
	Weight float64 `json:"weight"`
	Spans  []Span  `json:"spans,omitempty"` // the pieces of the text it speaks of
}

// Span is a piece of a text: the bytes from Start up to, but not including, End.
type Span struct {
	Start int `json:"start"`
	End   int `json:"end"`
}
