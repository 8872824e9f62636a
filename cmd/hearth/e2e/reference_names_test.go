package e2e

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// The files reference_*_test.go read lists a second time, naively and from the descriptions of the formats alone.
// Nothing in them that makes a reference verdict or count uses a line of the program.

// toPunycode encodes a label (RFC 3492 section 6.3). It returns an ASCII label as it is.
func toPunycode(label string) string {
	runes := []rune(label)
	var out []byte
	for _, r := range runes {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
		}
	}
	if len(out) == len(runes) {
		return label
	}
	basic, done := len(out), len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(128), 0, 72
	for done < len(runes) {
		next := rune(utf8.MaxRune)
		for _, r := range runes {
			if r >= n {
				next = min(next, r)
			}
		}
		delta += int(next-n) * (done + 1)
		n = next
		for _, r := range runes {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			q := delta
			for k := 36; ; k += 36 {
				t := min(max(k-bias, 1), 26)
				if q < t {
					break
				}
				out = append(out, punycodeDigits[t+(q-t)%(36-t)])
				q = (q - t) / (36 - t)
			}
			out = append(out, punycodeDigits[q])
			bias = adapt(delta, done+1, done == basic)
			delta = 0
			done++
		}
		delta++
		n++
	}
	return "xn--" + string(out)
}

const punycodeDigits = "abcdefghijklmnopqrstuvwxyz0123456789"

// fromPunycode decodes a label (RFC 3492 section 6.2); "" for one that is none.
func fromPunycode(label string) string {
	coded, ok := strings.CutPrefix(label, "xn--")
	if !ok {
		return label
	}
	var out []rune
	if at := strings.LastIndexByte(coded, '-'); at >= 0 {
		out, coded = []rune(coded[:at]), coded[at+1:]
	}
	n, i, bias := 128, 0, 72
	for len(coded) > 0 {
		before, weight := i, 1
		for k := 36; ; k += 36 {
			if coded == "" {
				return ""
			}
			digit := strings.IndexByte(punycodeDigits, coded[0])
			coded = coded[1:]
			if digit < 0 || i > 1<<28 || weight > 1<<28 {
				return ""
			}
			i += digit * weight
			t := min(max(k-bias, 1), 26)
			if digit < t {
				break
			}
			weight *= 36 - t
		}
		bias = adapt(i-before, len(out)+1, before == 0)
		n += i / (len(out) + 1)
		i %= len(out) + 1
		if n > utf8.MaxRune {
			return ""
		}
		out = slices.Insert(out, i, rune(n))
		i++
	}
	return string(out)
}

func adapt(delta, points int, first bool) int {
	if first {
		delta /= 700
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for ; delta > 455; k += 36 {
		delta /= 35
	}
	return k + 36*delta/(delta+38)
}

// suffixes is the Public Suffix List as publicsuffix.org/list describes it.
type suffixes struct{ rules map[string]bool }

func newSuffixes(lines func(func(string) bool)) suffixes {
	s := suffixes{rules: make(map[string]bool)}
	for line := range lines {
		rule, _, _ := strings.Cut(line, " ")
		if rule == "" || strings.HasPrefix(rule, "//") {
			continue
		}
		labels := strings.Split(rule, ".")
		for i, l := range labels {
			labels[i] = toPunycode(l)
		}
		s.rules[strings.Join(labels, ".")] = true
	}
	return s
}

// has reports whether a name is a public suffix itself.
func (s suffixes) has(name string) bool {
	if s.rules["!"+name] {
		return false
	}
	_, parent, _ := strings.Cut(name, ".")
	return s.rules[name] || parent != "" && s.rules["*."+parent]
}

var (
	// inetNumber is a part of an address as inet_aton(3) takes it.
	inetNumber = regexp.MustCompile(`^(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)$`)
	sixNumbers = regexp.MustCompile(`^\[?[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*\]?$`)
	digits     = regexp.MustCompile(`^[0-9]+$`)
)

func isAddress(s string) bool {
	if strings.Contains(s, ":") {
		return sixNumbers.MatchString(s)
	}
	parts := strings.Split(s, ".")
	return len(parts) > 1 && len(parts) <= 4 && !slices.ContainsFunc(parts, func(p string) bool { return !inetNumber.MatchString(p) })
}

// canonical reads a name as people write it, and returns it in lower case and A-labels, or why it is none.
func (s suffixes) canonical(text string) (name, why string) {
	text = strings.ToLower(text)
	if _, after, ok := strings.Cut(text, "://"); ok {
		text = after
	}
	host, page, paged := strings.Cut(text, "/")
	if before, after, ok := strings.Cut(host, ":"); ok && digits.MatchString(after) {
		host = before
	}
	host = strings.TrimSuffix(host, ".")
	switch {
	case isAddress(host):
		return "", "ip"
	case paged && page != "":
		return "", "url-path"
	}
	labels := strings.Split(host, ".")
	for i, l := range labels {
		labels[i] = toPunycode(l)
		if !isLabel(labels[i]) {
			return "", "bad-label"
		}
	}
	name = strings.Join(labels, ".")
	switch {
	case digits.MatchString(labels[len(labels)-1]):
		return "", "bad-label" // no top-level domain is a number
	case len(labels) == 1:
		return "", "single-label"
	case len(name) > 253:
		return "", "too-long"
	case s.has(name):
		return name, "public-suffix"
	}
	return name, ""
}

func isLabel(l string) bool {
	if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
		return false
	}
	for _, c := range []byte(l) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
