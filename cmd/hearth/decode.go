package main

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
)

// keyDelimiter keeps viper from splitting keys at dots.
const keyDelimiter = "::"

// readTree puts the environment over a tree of values with a fresh viper,
// which lower-cases keys: the checks have refused all keys that this could
// change.
func readTree(tree map[string]any, set []override) (*viper.Viper, error) {
	v := viper.NewWithOptions(viper.KeyDelimiter(keyDelimiter))
	if err := v.MergeConfigMap(tree); err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	for _, o := range set {
		v.Set(strings.Join(o.path, keyDelimiter), o.value)
	}
	return v, nil
}

// decodeInto decodes a tree over what target holds: sections are merged,
// lists replaced.
func decodeInto(target any, tree map[string]any, set []override) error {
	v, err := readTree(tree, set)
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

// textHook reads addresses, sizes and the like from their text.
func textHook(from, to reflect.Type, data any) (any, error) {
	if from == to || !isText(to) || !isScalar(from) {
		return data, nil
	}
	return parseScalar(fmt.Sprint(data), to)
}
