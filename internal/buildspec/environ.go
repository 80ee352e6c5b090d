package buildspec

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// passed are the variables of the toolkit's own environment that a build gets: where programs and their settings are
// found, the language, the way to the network. Everything else stays out, credentials above all. HOME is the user's own,
// so that package managers find their caches, registries and versions.
var passed = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS",
	"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR",
	"npm_config_registry", "npm_config_cache", "npm_config_userconfig", "npm_config_prefix",
	"NPM_CONFIG_REGISTRY", "NPM_CONFIG_CACHE", "NPM_CONFIG_USERCONFIG", "NPM_CONFIG_PREFIX",
	"YARN_CACHE_FOLDER", "YARN_NPM_REGISTRY_SERVER", "COREPACK_HOME", "COREPACK_NPM_REGISTRY", "PNPM_HOME", "BUN_INSTALL",
	"NVM_DIR", "NVM_BIN", "VOLTA_HOME", "FNM_DIR", "FNM_MULTISHELL_PATH", "N_PREFIX", "ASDF_DIR", "ASDF_DATA_DIR",
	"MISE_DATA_DIR", "PYENV_ROOT", "RBENV_ROOT", "GEM_HOME", "GEM_PATH", "VIRTUAL_ENV", "PLAYWRIGHT_BROWSERS_PATH",
	"GOROOT", "GOPATH", "GOMODCACHE", "GOCACHE", "GOPROXY", "GONOSUMDB", "GOPRIVATE", "JAVA_HOME", "CARGO_HOME", "RUSTUP_HOME",
	"HOMEBREW_PREFIX", "NIX_PATH", "NIX_PROFILES", "NIX_SSL_CERT_FILE", "LD_LIBRARY_PATH",
	// Windows
	"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "USERNAME", "HOMEDRIVE", "HOMEPATH",
	"APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "ALLUSERSPROFILE", "PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMW6432",
	"COMMONPROGRAMFILES", "COMMONPROGRAMFILES(X86)", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE", "OS", "MSYSTEM",
}

// passes reports whether a variable of the toolkit's environment goes into the build's.
func passes(name string) bool {
	if runtime.GOOS == "windows" {
		return slices.ContainsFunc(passed, func(p string) bool { return strings.EqualFold(p, name) })
	}
	return strings.HasPrefix(name, "LC_") || slices.Contains(passed, name)
}

// secretVariable is the prefix of the toolkit's own variables that give a build the value of a parameter or a secret:
// CHT_BUILD_API_KEY becomes API_KEY in a build whose file takes API_KEY from Parameter Store or Secrets Manager.
const secretVariable = "CHT_BUILD_"

// defaultRegion is AWS_REGION of a build that was given none: SDK clients that a site generator makes need one.
const defaultRegion = "us-east-1"

// environment is what the first command of a build starts with. Later values win: the machine, CodeBuild's variables,
// the file's, the caller's (build-spec-ref, "env/variables": the start of the build has the highest precedence).
func (b *Build) environment(source, tmp, token string, secrets map[string]string, now time.Time) map[string]string {
	env := map[string]string{}
	for _, entry := range os.Environ() {
		if name, value, ok := strings.Cut(entry, "="); ok && passes(name) {
			env[name] = value
		}
	}
	id := "local:" + strings.ToLower(rand.Text())
	for name, value := range map[string]string{
		"TERM": "dumb", "TMPDIR": tmp,
		"AWS_REGION": defaultRegion, "AWS_DEFAULT_REGION": defaultRegion,
		"CODEBUILD_BUILD_ID": id, "CODEBUILD_BUILD_ARN": "arn:aws:codebuild:" + defaultRegion + ":000000000000:build/" + id,
		"CODEBUILD_BUILD_IMAGE": "local/" + runtime.GOOS + "-" + runtime.GOARCH, "CODEBUILD_BUILD_NUMBER": "1",
		"CODEBUILD_INITIATOR": "local", "CODEBUILD_CI": "true",
		"CODEBUILD_START_TIME": strconv.FormatInt(now.UnixMilli(), 10),
	} {
		env[name] = value
	}
	if runtime.GOOS == "windows" {
		env["TEMP"], env["TMP"] = tmp, tmp
	}
	for _, v := range b.Spec.Env.Variables {
		env[v.Name] = v.Value
	}
	for name, value := range secrets {
		env[name] = value
	}
	for name, value := range b.Private {
		env[name] = value
	}
	for name, value := range b.Env {
		env[name] = value
	}
	env["CODEBUILD_SRC_DIR"] = filepath.ToSlash(source)
	env["CODEBUILD_BUILD_SUCCEEDING"] = "1"
	env[tokenVariable] = token
	return env
}

// secrets finds the values of the variables that the file takes from Parameter Store and Secrets Manager, and returns the
// variables for which there is none.
func (b *Build) secrets() (values map[string]string, missing []missingSecret) {
	values = map[string]string{}
	find := func(store string, list []Variable) {
		for _, v := range list {
			value, ok := b.Env[v.Name]
			if !ok {
				value, ok = b.Private[v.Name]
			}
			if !ok && b.Lookup != nil {
				value, ok = b.Lookup(v.Name, v.Value)
			}
			if !ok {
				value, ok = os.LookupEnv(secretVariable + v.Name)
			}
			if !ok {
				missing = append(missing, missingSecret{v, store})
				continue
			}
			values[v.Name] = value
		}
	}
	find("Parameter Store", b.Spec.Env.Parameters)
	find("Secrets Manager", b.Spec.Env.Secrets)
	return values, missing
}

// missingSecret is a variable without a value, and where CodeBuild would take it from.
type missingSecret struct {
	Variable
	store string
}
