package certs

import (
	"crypto/x509"
	"os"
	"runtime"
	"testing"
	"time"
)

func TestRootIsGoodForLocalNamesOnly(t *testing.T) {
	a, err := openAuthority(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	tests := map[string]bool{
		"shop.localhost": true, "localhost": true, "a.b.test": true, "nas.local": true, "127.0.0.1": true, "::1": true, "192.168.1.7": true,
		"bank.example.com": false, "localhost.example.com": false, "notlocalhost": false, "93.184.216.34": false,
	}
	for name, good := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := a.leaf(name)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: pool})
			if (err == nil) != good {
				t.Errorf("Verify = %v, want good %t", err, good)
			}
		})
	}
}

func TestAuthorityIsKept(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	clock := func() time.Time { return now }
	first, err := openAuthority(dir, clock)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(keyFile(dir)); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", info.Mode(), err)
	}
	again, err := openAuthority(dir, clock)
	if err != nil || !again.root.Equal(first.root) || again.secret("x") != first.secret("x") || again.secret("x") == again.secret("y") {
		t.Errorf("opened again, it is another one (%v)", err)
	}
	one, _ := again.leaf("a.localhost")
	if two, _ := again.leaf("a.localhost"); two != one {
		t.Error("a leaf is made anew for each viewer")
	}
	now = now.Add(leafLife - leafLeft + time.Minute)
	if two, _ := again.leaf("a.localhost"); two == one || two.Leaf.NotAfter.Before(now.Add(leafLeft)) {
		t.Error("a leaf that is about to expire is used on")
	}
	now = now.Add(rootLife)
	if last, err := openAuthority(dir, clock); err != nil || last.root.Equal(first.root) {
		t.Errorf("an expired root is used on (%v)", err)
	}
}

// A root for local names that is damaged must not keep the sites of other names off the air.
func TestADamagedAuthorityIsReplaced(t *testing.T) {
	for name, tc := range map[string]struct {
		file    func(dir string) string
		content string
	}{
		"the root is empty":     {rootFile, ""},
		"the root is cut off":   {rootFile, "-----BEGIN CERTIFICATE-----\nMIIB"},
		"the key is no key":     {keyFile, "damaged"},
		"the key is of another": {keyFile, otherKey(t)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			first, err := openAuthority(dir, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(tc.file(dir), []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			second, err := openAuthority(dir, time.Now)
			if err != nil || second.damage == nil || second.root.Equal(first.root) {
				t.Fatalf("%v, damage %v", err, second.damage)
			}
			if kept, err := os.ReadFile(tc.file(dir) + ".damaged"); err != nil || string(kept) != tc.content {
				t.Errorf("kept: %q, %v", kept, err)
			}
			if third, err := openAuthority(dir, time.Now); err != nil || third.damage != nil || !third.root.Equal(second.root) {
				t.Errorf("opened again, it is another one (%v)", err)
			}
		})
	}
}

// otherKey is the key of another authority.
func otherKey(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := openAuthority(dir, time.Now); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(keyFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	return string(key)
}
