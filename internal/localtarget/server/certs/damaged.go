package certs

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/caddyserver/certmagic"
)

// issueLock is what certmagic locks for a name while it writes that name's files.
const issueLock = "issue_cert_"

// assets are the files of a name's certificate, as certmagic's keys.
func (k *Keeper) assets(name string) (certificate, key, about string) {
	issuer := k.issuer.IssuerKey()
	return certmagic.StorageKeys.SiteCert(issuer, name), certmagic.StorageKeys.SitePrivateKey(issuer, name), certmagic.StorageKeys.SiteMeta(issuer, name)
}

// damage says why the files of a name make no certificate; nil if they do, and also if one is missing: then certmagic asks for a
// certificate by itself. err is why that cannot be told.
func (k *Keeper) damage(name string) (damage, err error) {
	certificate, key, about := k.assets(name)
	var files [3][]byte
	for i, asset := range []string{certificate, key, about} {
		files[i], err = k.acme.Storage.Load(k.ctx, asset)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	if _, err := tls.X509KeyPair(files[0], files[1]); err != nil {
		return err, nil
	}
	if !json.Valid(files[2]) {
		return fmt.Errorf("%s is not JSON", path.Base(about)), nil
	}
	return nil, nil
}

// replace has another certificate asked for where the files of a name make none, as after a full disk or a loss of power: certmagic
// would leave the name without one for good, and say nothing. The files are kept beside their places. A renewal, perhaps of the
// process before, writes them one by one, so they are looked at again when nobody writes.
func (k *Keeper) replace(name string) {
	if err := k.acme.Storage.Lock(k.ctx, issueLock+name); err != nil {
		if k.ctx.Err() == nil {
			k.opts.Log.Error("a certificate cannot be read", "domain", name, "error", err)
		}
		return
	}
	err := k.putAside(name)
	if unlock := k.acme.Storage.Unlock(context.WithoutCancel(k.ctx), issueLock+name); err == nil {
		err = unlock
	}
	if err != nil {
		k.opts.Log.Error("a certificate cannot be read, and its files cannot be put aside so that another one is asked for", "domain", name, "error", err)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Contains(k.managed, name) {
		return
	}
	if err := k.acme.ManageAsync(k.ctx, []string{name}); err != nil {
		k.opts.Log.Error("certificates cannot be managed", "error", err)
	}
}

// putAside renames damaged files, so that others can take their places and nothing is lost.
func putAside(files ...string) error {
	for _, file := range files {
		if err := os.Rename(file, file+".damaged"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// putAside renames the files of a name if they make no certificate. They are locked.
func (k *Keeper) putAside(name string) error {
	damage, err := k.damage(name)
	if damage == nil {
		return err
	}
	certificate, key, about := k.assets(name)
	file := func(asset string) string { return filepath.Join(k.opts.Dir, "acme", filepath.FromSlash(asset)) }
	if err := putAside(file(certificate), file(key), file(about)); err != nil {
		return err
	}
	k.opts.Log.Error("a certificate is damaged: its files are kept with .damaged behind their names, and another one is asked for",
		"domain", name, "folder", filepath.Dir(file(certificate)), "error", damage)
	return nil
}
