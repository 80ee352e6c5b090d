package account

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// plainBodies keeps a request's connection when its answer comes while net/http is still at the request. The SDK closes the
// body of a request as soon as its answer begins; a body with a WriteTo then tells net/http, which looks for bytes beyond the
// length, of an io.EOF that WriteTo must not return (io.WriterTo), and net/http gives the connection up: the answer ends in
// "use of closed network connection" (smithy-go 1.28.9, safeWriteToReadCloser). A body with a Read only ends as it should.
//
// It is next to the sending, so that each attempt has a body of its own to hide, and what signs and measures sees the SDK's.
func plainBodies(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("PlainBodies", func(ctx context.Context, in middleware.DeserializeInput,
		next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
		req, ok := in.Request.(*smithyhttp.Request)
		if !ok {
			return next.HandleDeserialize(ctx, in)
		}
		if _, writes := req.GetStream().(io.WriterTo); writes {
			plain, err := req.SetStream(hidden(req.GetStream()))
			if err != nil {
				return middleware.DeserializeOutput{}, middleware.Metadata{}, fmt.Errorf("send the body: %w", err)
			}
			in.Request = plain
		}
		return next.HandleDeserialize(ctx, in)
	}), middleware.After)
}

// hidden returns a reader without its WriteTo. It can seek if the reader can.
func hidden(r io.Reader) io.Reader {
	if s, ok := r.(io.ReadSeeker); ok {
		return struct{ io.ReadSeeker }{s}
	}
	return struct{ io.Reader }{r}
}
