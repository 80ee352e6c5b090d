package awstarget

import "github.com/cloudfront-hosting-toolkit/toolkit/internal/doctor"

// domains are the looks at the site's own names.
func (c *checkup) domains() []doctor.Look { return nil }
