package hosting

// DeleteOptions are the choices of a deletion.
type DeleteOptions struct {
	// Uploads removes the zip files, too, that somebody put into the source bucket that deploy made or, on the local target, into
	// the site's folder for them. Without it a bucket, or a folder, with such files stays.
	Uploads bool
	// Retain names resources of the stack that stay in the account if they cannot be deleted. AWS only.
	Retain []string
}

// Doomed is what a deletion is going to do, told before it is confirmed.
type Doomed struct {
	// Releases is how many releases go, URL the address that stops answering; both are zero if nothing is served.
	Releases int
	URL      string
	// Removes and Leaves list in words what goes and what stays, and why.
	Removes, Leaves []string
	// Notes are what else somebody should know who is asked whether to go on.
	Notes []string
}
