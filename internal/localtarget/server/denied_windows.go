package server

// notPermitted is false: Windows has no ports for privileged users.
func notPermitted(error) bool { return false }
