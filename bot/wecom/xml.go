package wecom

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Limits of one XML message. A member list of a full group is far below them.
const (
	maxDepth = 8
	maxNodes = 5000
)

// errXML says why a text is not taken for a message. It never quotes the text.
var errXML = errors.New("not a message in XML")

// node is an element of a message: its text, or its children.
type node struct {
	name     string
	text     []byte
	children []*node
}

// parseXML reads one XML document. The elements may come in any order and need no type:
// WeCom writes numbers bare or as CDATA. A DOCTYPE and every other declaration is refused,
// because nothing legitimate needs one and it is how entities are smuggled in.
func parseXML(data []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(data))
	var t tree
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && t.root != nil && len(t.open) == 0 {
			return t.root, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: broken near byte %d", errXML, d.InputOffset())
		}
		switch token := token.(type) {
		case xml.Directive:
			err = fmt.Errorf("%w: declarations are refused", errXML)
		case xml.StartElement:
			err = t.start(token.Name.Local)
		case xml.EndElement:
			t.open = t.open[:len(t.open)-1]
		case xml.CharData:
			err = t.chars(token)
		}
		if err != nil {
			return nil, err
		}
	}
}

// tree grows while a document is read.
type tree struct {
	root  *node
	open  []*node // the elements not yet closed, the innermost last
	count int
}

func (t *tree) start(name string) error {
	if t.count++; t.count > maxNodes || len(t.open) >= maxDepth {
		return fmt.Errorf("%w: more than %d elements or %d levels", errXML, maxNodes, maxDepth)
	}
	n := &node{name: name}
	switch {
	case len(t.open) > 0:
		parent := t.open[len(t.open)-1]
		parent.children = append(parent.children, n)
	case t.root == nil:
		t.root = n
	default:
		return fmt.Errorf("%w: two documents", errXML)
	}
	t.open = append(t.open, n)
	return nil
}

func (t *tree) chars(text []byte) error {
	if len(t.open) > 0 {
		n := t.open[len(t.open)-1]
		n.text = append(n.text, text...)
		return nil
	}
	if len(bytes.TrimSpace(text)) > 0 {
		return fmt.Errorf("%w: text outside the document", errXML)
	}
	return nil
}

// child returns the first child with one of the names, or nil.
func (n *node) child(names ...string) *node {
	for _, c := range n.children {
		for _, name := range names {
			if c.name == name {
				return c
			}
		}
	}
	return nil
}

// get returns the text of a child without surrounding spaces, or "".
func (n *node) get(name string) string {
	if c := n.child(name); c != nil {
		return string(bytes.TrimSpace(c.text))
	}
	return ""
}

// number returns the number in a child. An absent or empty child is nil, not zero.
func (n *node) number(name string) (*int, error) {
	text := n.get(name)
	if text == "" {
		return nil, nil
	}
	v, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("%s is not a number", name)
	}
	return &v, nil
}

// list returns the texts of all children with a name; without such children it splits the
// element's own text at commas.
func (n *node) list(name string) []string {
	var texts []string
	for _, c := range n.children {
		if c.name == name {
			texts = append(texts, string(c.text))
		}
	}
	if texts == nil {
		texts = strings.Split(string(n.text), ",")
	}
	var list []string
	for _, text := range texts {
		if text = strings.TrimSpace(text); text != "" {
			list = append(list, text)
		}
	}
	return list
}
