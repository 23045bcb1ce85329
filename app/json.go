package app

import (
	"reflect"

	"github.com/kahu-go/kahu/internal/strictjson"
)

// jsonLimits bound what a client can make us keep track of.
var jsonLimits = strictjson.Limits{Values: maxValues, Depth: 64}

// checkJSON refuses what encoding/json lets through. It decodes nothing. member, if
// there is one, is told the members of the object, their values undecoded.
func checkJSON(body []byte, t reflect.Type, member func(name, raw string)) error {
	return strictjson.Check(body, t, jsonLimits, member)
}
