package server

import (
	"fmt"
	"os"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cfjs"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/edge"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/disk"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/localtarget/state"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// Deployed returns what the edge of a deployed site is made of: the deployed template, compiled, the key-value store as it
// is at each request, and the bucket. The error is a fault.NotDeployed if there is no such site.
func Deployed(site state.Site) (edge.Options, error) {
	d, err := site.Load()
	if err != nil {
		return edge.Options{}, err
	}
	templateYAML, err := os.ReadFile(site.Template())
	if err != nil {
		return edge.Options{}, fmt.Errorf("read deployed template: %w", err)
	}
	config, err := template.Compile(templateYAML, d.Parameters)
	if err != nil {
		return edge.Options{}, err
	}
	kv := disk.OpenKV(site.KV())
	return edge.Options{
		Config:  config,
		Origins: origins(config, bucket{disk.OpenStore(site.Bucket())}),
		KV:      func() (cfjs.KV, error) { return kv.View() },
	}, nil
}
