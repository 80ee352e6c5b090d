package publish

import (
	"path"
	"slices"
	"strings"
)

// alias adds, for each page that the folder has as "about.html", the same content as "about/index.html".
//
// A viewer-request function cannot look into the bucket, and CloudFront asks the origin once. So the static routing maps
// /about and /about/ to one key, about/index.html, whichever of the two a site generator wrote; for generators that write
// about.html, the release holds the page under that key as well, copied inside the store. A page that is there already
// stays as it is, and so does anything that a folder of the page's name would stand in the way of.
func (f *folder) alias() {
	taken := make(map[string]bool, len(f.files))
	for _, file := range f.files {
		taken[file.Path] = true
	}
	for _, file := range slices.Clone(f.files) {
		page, ok := strings.CutSuffix(file.Path, ".html")
		if !ok || path.Base(file.Path) == "index.html" || file.Path == "404.html" || taken[page] || taken[page+"/index.html"] || len(page+"/index.html") > maxPath {
			continue
		}
		f.real[page+"/index.html"] = f.real[file.Path]
		file.Path, file.AliasOf = page+"/index.html", file.Path
		f.files = append(f.files, file)
	}
	sortFiles(f.files)
}

// partition parts the files that the folder holds from the aliases.
func partition(files []File) (own, aliases []File) {
	for _, f := range files {
		if f.AliasOf == "" {
			own = append(own, f)
		} else {
			aliases = append(aliases, f)
		}
	}
	return own, aliases
}
