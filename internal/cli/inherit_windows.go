package cli

// keepDescriptors does nothing: on Windows a process inherits only the handles that it is given by name.
func keepDescriptors() {}
