package adopt

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/go-viper/mapstructure/v2"
)

// decode fills compose's types from a model, as compose-go's loader does: types that decode themselves do so, and text
// becomes the number or truth value that is wanted.
func decode(model map[string]any, into *types.Project) error {
	services := model["services"].(map[string]any)
	for name := range services {
		services[name].(map[string]any)["name"] = name
	}
	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		DecodeHook: mapstructure.ComposeDecodeHookFunc(ownDecoder, cast), Result: into, TagName: "yaml", Squash: true,
	})
	if err != nil {
		return err
	}
	return plainly(decoder.Decode(model))
}

// plainly is a mapstructure error on one line.
func plainly(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "* ", "")), " "))
}

type selfDecoder interface{ DecodeMapstructure(any) error }

func ownDecoder(from, to reflect.Value) (any, error) {
	decoder, ok := to.Interface().(selfDecoder)
	if !ok && to.CanAddr() {
		decoder, ok = to.Addr().Interface().(selfDecoder)
	}
	if !ok {
		return from.Interface(), nil
	}
	if to.Kind() == reflect.Pointer && to.IsNil() {
		to.Set(reflect.New(to.Type().Elem()))
		decoder = to.Interface().(selfDecoder)
	}
	if err := decoder.DecodeMapstructure(from.Interface()); err != nil {
		return to.Interface(), err
	}
	return to.Interface(), nil
}

func cast(from, to reflect.Value) (any, error) {
	if from.Kind() == reflect.Int && to.Kind() == reflect.String {
		return strconv.FormatInt(from.Int(), 10), nil
	}
	if from.Kind() != reflect.String {
		return from.Interface(), nil
	}
	text := from.String()
	switch to.Kind() {
	case reflect.Bool:
		switch strings.ToLower(text) {
		case "true", "y", "yes", "on":
			return true, nil
		case "false", "n", "no", "off":
			return false, nil
		}
		return nil, fmt.Errorf("%q is neither true nor false", text)
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Uint32:
		return strconv.ParseInt(text, 10, 64)
	case reflect.Float32, reflect.Float64:
		return strconv.ParseFloat(text, 64)
	}
	return text, nil
}
