package main

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
)

// keyDelimiter keeps viper from splitting keys at dots.
const keyDelimiter = "::"

// goccy makes viper read YAML with the reader that also gives the places, so
// that the two cannot read one file in two ways.
type goccy struct{}

// Decoder gives the YAML reader for every format: no other one is used.
func (g goccy) Decoder(string) (viper.Decoder, error) { return g, nil }

// Decode reads b into v.
func (goccy) Decode(b []byte, v map[string]any) error { return decodeYAML(b, v) }

// readTree reads YAML with a fresh viper, which lower-cases keys: the checks
// have refused all keys that this could change.
func readTree(b []byte, set []override) (*viper.Viper, error) {
	v := viper.NewWithOptions(viper.KeyDelimiter(keyDelimiter), viper.WithDecoderRegistry(goccy{}))
	v.SetConfigType("yaml")
	if err := v.ReadConfig(bytes.NewReader(b)); err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	for _, o := range set {
		v.Set(strings.Join(o.path, keyDelimiter), o.value)
	}
	return v, nil
}

// decodeInto decodes YAML over what target holds: sections are merged, lists
// replaced.
func decodeInto(target any, b []byte, set []override) error {
	v, err := readTree(b, set)
	if err != nil {
		return err
	}
	err = v.UnmarshalExact(target, func(c *mapstructure.DecoderConfig) {
		c.TagName = "yaml"
		c.ZeroFields = true
		c.WeaklyTypedInput = false
		c.DecodeHook = mapstructure.ComposeDecodeHookFunc(
			mapstructure.StringToTimeDurationHookFunc(),
			mapstructure.DecodeHookFuncType(textHook),
		)
	})
	if err != nil {
		return fmt.Errorf("decoding configuration: %w", err)
	}
	return nil
}

// textHook reads addresses, sizes and the like from what YAML made of them.
func textHook(from, to reflect.Type, data any) (any, error) {
	if from == to || !isText(to) || !isScalar(from) {
		return data, nil
	}
	return parseScalar(fmt.Sprint(data), to)
}
