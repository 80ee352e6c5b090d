package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"mime"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/bucket"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/pointer"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// tool is one way to send a folder to a bucket.
type tool struct {
	name, title string
	command     func(j job) *exec.Cmd
}

// job is a folder to be sent.
type job struct{ dir, release, endpoint, pointer, binary string }

func tools() []tool {
	return []tool{
		{"toolkit", "**cloudfront-hosting-toolkit publish**", func(j job) *exec.Cmd {
			if j.binary == "" {
				return self("toolkit", j)
			}
			return exec.Command(j.binary, "publish", j.dir, "--target", "aws", "--release", j.release, "--yes")
		}},
		{"sdk", "plain SDK uploader, 16 workers", func(j job) *exec.Cmd { return self("sdk", j) }},
		{"rclone", "rclone copy --transfers 32 --checksum", func(j job) *exec.Cmd {
			return exec.Command("rclone", "copy", "--transfers", "32", "--checksum", j.dir, ":s3:"+bucketName+"/"+j.release)
		}},
		{"aws", "aws s3 cp --recursive", func(j job) *exec.Cmd {
			return exec.Command("aws", "s3", "cp", "--recursive", "--only-show-errors", j.dir, "s3://"+bucketName+"/"+j.release+"/")
		}},
	}
}

// self runs this program as a tool, so that it has a process, and memory, of its own.
func self(as string, j job) *exec.Cmd {
	program, err := os.Executable()
	if err != nil {
		program = os.Args[0]
	}
	return exec.Command(program, "-as", as, j.dir, j.release, j.endpoint, j.pointer)
}

// run runs a tool and measures it.
func (t tool) run(ctx context.Context, j job) (sample, error) {
	cmd := t.command(j)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	// The server speaks no TLS, and rclone will not start with a certificate bundle that it has no use for.
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") }),
		"AWS_ACCESS_KEY_ID="+accessKey, "AWS_SECRET_ACCESS_KEY="+secretKey, "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region,
		"AWS_ENDPOINT_URL_S3="+j.endpoint, "AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE="+j.pointer,
		"CHT_SITE=bench", "CHT_BUCKET="+bucketName, "CHT_KEY_VALUE_STORE_ARN="+storeARN, "CHT_KEEP_RELEASES=10", "CHT_URL=http://localhost/", "CHT_ROUTING=spa",
		"RCLONE_S3_PROVIDER=Other", "RCLONE_S3_ENDPOINT="+j.endpoint, "RCLONE_S3_ACCESS_KEY_ID="+accessKey,
		"RCLONE_S3_SECRET_ACCESS_KEY="+secretKey, "RCLONE_S3_REGION="+region)
	begun := time.Now()
	err := cmd.Run()
	took := time.Since(begun)
	if err != nil {
		return sample{}, fmt.Errorf("%w\n%s", err, output.Bytes())
	}
	state := cmd.ProcessState
	return sample{took: took, memory: maxResident(state), cpu: state.UserTime() + state.SystemTime()}, nil
}

// beTool is one of the tools: folder, release, endpoint, endpoint of the key-value store.
func beTool(ctx context.Context, as string, args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("want 4 arguments, got %d", len(args))
	}
	cfg := configFor(args[2])
	if as == "sdk" {
		return plain(ctx, cfg, args[0], args[1])
	}
	keys := cfg
	keys.BaseEndpoint = &args[3]
	p := &publish.Publisher{Store: bucket.Open(cfg, bucketName), Pointer: pointer.Open(keys, storeARN)}
	_, err := p.Publish(ctx, publish.Request{Dir: args[0], ID: args[1]})
	return err
}

// plain sends a folder as one would write it with the SDK alone.
func plain(ctx context.Context, cfg aws.Config, dir, release string) error {
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	names := make(chan string)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(names)
		return filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			select {
			case names <- name:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	for range 16 {
		g.Go(func() error {
			for name := range names {
				if err := plainFile(ctx, client, dir, name, release); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func plainFile(ctx context.Context, client *s3.Client, dir, name, release string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	relative, err := filepath.Rel(dir, name)
	if err != nil {
		return err
	}
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucketName), Key: aws.String(path.Join(release, filepath.ToSlash(relative))),
		Body: f, ContentType: aws.String(mime.TypeByExtension(filepath.Ext(name)))})
	return err
}
