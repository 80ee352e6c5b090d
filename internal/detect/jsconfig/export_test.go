package jsconfig

// Imports returns what the module imports, by local name.
func (m *Module) Imports() map[string]Import { return m.imports }
