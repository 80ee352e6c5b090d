package site

import "reflect"

// Keys are the keys of the configuration, in the order in which Marshal writes them.
func Keys() []string { return keysOf(reflect.TypeFor[Config]()) }
