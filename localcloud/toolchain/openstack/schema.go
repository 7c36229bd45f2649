package main

import (
	"encoding/json"
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
)

// object is a piece of JSON.
type object = map[string]any

var plain = map[shim.ValueType]string{
	shim.TypeBool:   "boolean",
	shim.TypeInt:    "integer",
	shim.TypeFloat:  "number",
	shim.TypeString: "string",
}

// schema is the package schema of what this provider knows: property names and types as Pulumi has them.
func schema(info tfbridge.ProviderInfo) []byte {
	types, resources, functions := object{}, object{}, object{}
	for terraform, resource := range info.Resources {
		fields := info.P.ResourcesMap().Get(terraform).Schema()
		inputs, required := properties(fields, resource.Fields, string(resource.Tok), types, isInput)
		outputs, _ := properties(fields, resource.Fields, string(resource.Tok), types, isAny)
		resources[string(resource.Tok)] = object{
			"inputProperties": inputs, "requiredInputs": required, "properties": outputs,
		}
	}
	for terraform, function := range info.DataSources {
		fields := info.P.DataSourcesMap().Get(terraform).Schema()
		inputs, required := properties(fields, function.Fields, string(function.Tok), types, isInput)
		outputs, _ := properties(fields, function.Fields, string(function.Tok), types, isAny)
		functions[string(function.Tok)] = object{
			"inputs":  object{"type": "object", "properties": inputs, "required": required},
			"outputs": object{"type": "object", "properties": outputs},
		}
	}
	configuration, _ := properties(info.P.Schema(), info.Config, name+":index:provider", types, isAny)
	text, err := json.Marshal(object{
		"name": name, "version": version, "types": types, "resources": resources, "functions": functions,
		"meta":     object{"moduleFormat": "(.*)(?:/[^/]*)"},
		"language": object{"python": object{"compatibility": "tfbridge20"}},
		"provider": object{"inputProperties": configuration, "properties": object{}},
	})
	if err != nil {
		panic(err) // maps of strings only
	}
	return text
}

func isInput(field shim.Schema) bool { return field.Required() || field.Optional() }
func isAny(shim.Schema) bool         { return true }

// properties are the fields under Pulumi's names, and the names of those that must be given.
func properties(
	fields shim.SchemaMap, infos map[string]*tfbridge.SchemaInfo, place string, types object, wanted func(shim.Schema) bool,
) (object, []string) {
	found, required := object{}, []string{}
	fields.Range(func(key string, field shim.Schema) bool {
		if field.Removed() != "" || !wanted(field) {
			return true
		}
		pulumi := tfbridge.TerraformToPulumiNameV2(key, fields, infos)
		found[pulumi] = typeOf(field, infos[key], place+strings.ToUpper(pulumi[:1])+pulumi[1:], types)
		preset := infos[key] != nil && infos[key].Default != nil || field.DefaultFunc() != nil
		if field.Required() && !preset {
			required = append(required, pulumi)
		}
		return true
	})
	return found, required
}

// typeOf is the property's type; objects are put among the types, named after their place.
func typeOf(field shim.Schema, info *tfbridge.SchemaInfo, place string, types object) object {
	if word, ok := plain[field.Type()]; ok {
		return object{"type": word}
	}
	element := object{"type": "string"}
	switch inner := field.Elem().(type) {
	case shim.Schema:
		element = typeOf(inner, nil, place, types)
	case shim.Resource:
		element = reference(inner, place, types)
	}
	if field.Type() == shim.TypeMap {
		return object{"type": "object", "additionalProperties": element}
	}
	if tfbridge.IsMaxItemsOne(field, info) {
		return element
	}
	return object{"type": "array", "items": element}
}

func reference(inner shim.Resource, place string, types object) object {
	fields, required := properties(inner.Schema(), nil, place, types, isAny)
	member := place[strings.LastIndex(place, ":")+1:]
	module, _, _ := strings.Cut(strings.TrimPrefix(place, name+":"), "/")
	token := name + ":" + module + "/" + strings.ToLower(member[:1]) + member[1:] + ":" + member
	types[token] = object{"type": "object", "properties": fields, "required": required}
	return object{"$ref": "#/types/" + token}
}
