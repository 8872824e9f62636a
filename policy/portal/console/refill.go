package console

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// wrongID is the id of the note that says what was wrong.
const wrongID = "wrong"

// refill puts what somebody typed back into the form of a page that they sent to a path, all but passphrases and PINs, and the note
// of what was wrong beside the first of fields that the form has. One place does it for every form; a page says nothing of it.
func refill(page []byte, path string, typed url.Values, fields []string) ([]byte, error) {
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		return nil, err
	}
	var sent []*html.Node
	for n := range doc.Descendants() {
		if n.Data == "form" && attr(n, "method") == "post" && unescaped(attr(n, "action")) == path && meant(n, typed) {
			sent = append(sent, n)
		}
	}
	for _, form := range sent {
		for n := range form.Descendants() {
			restore(n, typed)
		}
	}
	note := find(doc, func(n *html.Node) bool { return attr(n, "id") == wrongID })
	for _, name := range fields {
		for _, form := range sent {
			field := find(form, func(n *html.Node) bool {
				return name != "" && attr(n, "name") == name && attr(n, "type") != "hidden" && n.Data != "button"
			})
			if field != nil && note != nil {
				beside(field, note)
				return rendered(doc)
			}
		}
	}
	return rendered(doc)
}

func unescaped(action string) string {
	if path, err := url.PathUnescape(action); err == nil {
		return path
	}
	return action
}

// meant says whether a form is the one that was sent, of several with one action: what it fixes was sent so.
func meant(form *html.Node, typed url.Values) bool {
	for n := range form.Descendants() {
		if name := attr(n, "name"); n.Data == "input" && attr(n, "type") == "hidden" && name != "revision" && name != "rows" && !slices.Contains(typed[name], attr(n, "value")) {
			return false
		}
	}
	return true
}

// restore gives one field of a form the value that was sent.
func restore(n *html.Node, typed url.Values) {
	values, kind := typed[attr(n, "name")], attr(n, "type")
	switch {
	case n.Data == "select":
		options := func(yield func(*html.Node) bool) {
			for o := range n.Descendants() {
				if o.Data == "option" && !yield(o) {
					return
				}
			}
		}
		for o := range options {
			if slices.Contains(values, attr(o, "value")) {
				for other := range options {
					mark(other, "selected", other == o)
				}
				return
			}
		}
	case n.Data != "input" || kind == "hidden" || kind == "password" || attr(n, "name") == "" || attr(n, "name") == called["pin"]:
	case kind == "checkbox" || kind == "radio":
		mark(n, "checked", slices.Contains(values, attr(n, "value")))
	case len(values) > 0:
		set(n, "value", values[0])
	}
}

// beside moves a note behind the label of a field, tells readers of screens that it describes the field, and opens what is
// folded around it.
func beside(field, note *html.Node) {
	label := field
	for n := range field.Ancestors() {
		switch n.Data {
		case "label":
			label = n
		case "details":
			mark(n, "open", true)
		}
	}
	set(field, "aria-invalid", "true")
	set(field, "aria-describedby", strings.TrimSpace(attr(field, "aria-describedby")+" "+wrongID))
	note.Parent.RemoveChild(note)
	if row := label.Parent; row.Data == "div" { // of several fields
		label = row
	}
	label.Parent.InsertBefore(note, label.NextSibling)
}

func find(in *html.Node, is func(*html.Node) bool) *html.Node {
	for n := range in.Descendants() {
		if n.Type == html.ElementNode && is(n) {
			return n
		}
	}
	return nil
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func set(n *html.Node, name, value string) {
	mark(n, name, false)
	n.Attr = append(n.Attr, html.Attribute{Key: name, Val: value})
}

// mark sets or takes away an attribute that has no value.
func mark(n *html.Node, name string, on bool) {
	n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
	if on {
		n.Attr = append(n.Attr, html.Attribute{Key: name})
	}
}

func rendered(doc *html.Node) ([]byte, error) {
	var out bytes.Buffer
	err := html.Render(&out, doc)
	return out.Bytes(), err
}
