package main

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// scalar checks a single value by reading it as its type. Names without the
// quotes they need are given all the same: others may refer to them.
func (c *checker) scalar(path string, n ast.Node, t reflect.Type) any {
	if _, ok := n.(ast.ScalarNode); !ok {
		c.refuse(n, path, "one value belongs here, not %s; write %s", kindOf(n), sample(t))
		return nil
	}
	text := scalarText(n)
	quoted := n.Type() == ast.StringType || n.Type() == ast.LiteralType
	if t.Kind() == reflect.String && !isText(t) {
		if !quoted {
			c.refuse(n, path, "%s is %s where text belongs; write it in quotes: %q", text, kindOf(n), text)
		}
		return text
	}
	if quoted && !isText(t) && t != durationType {
		c.refuse(n, path, "%s", needlessQuotes(text, t))
		return nil
	}
	value, err := parseScalar(text, t)
	if err != nil {
		c.refuse(n, path, "%v", err)
		return nil
	}
	if isText(t) || t == durationType {
		return text
	}
	return value
}

// needlessQuotes words text where a number or true or false belongs.
func needlessQuotes(text string, t reflect.Type) string {
	if _, err := parseScalar(text, t); err == nil {
		return fmt.Sprintf("%q is text because of its quotes; write %s without quotes", text, text)
	}
	article := ""
	if t.Kind() != reflect.Bool {
		article = "a "
	}
	return fmt.Sprintf("%q is text where %s%s belongs; write %s", text, article, typeName(t), sample(t))
}

// parseScalar reads the text of one value as type t; the error says what to
// write instead.
func parseScalar(text string, t reflect.Type) (any, error) {
	value := reflect.New(t)
	if u, ok := value.Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return nil, wrongValue(text, t, err)
		}
		return value.Elem().Interface(), nil
	}
	if err := setScalar(value.Elem(), text); err != nil {
		return nil, wrongValue(text, t, nil)
	}
	return value.Elem().Interface(), nil
}

func setScalar(v reflect.Value, text string) error {
	if v.Type() == durationType {
		d, err := time.ParseDuration(text)
		v.SetInt(int64(d))
		return err
	}
	switch {
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		if text != "true" && text != "false" {
			return strconv.ErrSyntax
		}
		v.SetBool(text == "true")
	case v.CanInt():
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(n)
		return err
	case v.CanUint():
		n, err := strconv.ParseUint(text, 10, v.Type().Bits())
		v.SetUint(n)
		return err
	case v.CanFloat():
		f, err := strconv.ParseFloat(text, v.Type().Bits())
		v.SetFloat(f)
		return err
	default:
		return fmt.Errorf("no text form for %s", v.Type())
	}
	return nil
}

// wrongValue words a value that cannot be read. Types of the project say
// themselves what to write; those of the standard library do not.
func wrongValue(text string, t reflect.Type, err error) error {
	if err != nil && strings.Contains(err.Error(), "write ") {
		return err
	}
	article := "a "
	if name := typeName(t); strings.HasPrefix(name, "address") {
		article = "an "
	} else if name == "true or false" {
		article = ""
	}
	return fmt.Errorf("%q is not %s%s; write %s", text, article, typeName(t), sample(t))
}
