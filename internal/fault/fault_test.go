package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
)

func TestKindAndHintTravel(t *testing.T) {
	inner := fault.New(fault.Failed, "run logs", "build: %w", io.ErrUnexpectedEOF)
	tests := map[string]struct {
		err  error
		kind fault.Kind
		hint string
	}{
		"plain":             {io.EOF, fault.Other, ""},
		"nil":               {nil, fault.Other, ""},
		"fault":             {inner, fault.Failed, "run logs"},
		"wrapped":           {fmt.Errorf("deploy: %w", inner), fault.Failed, "run logs"},
		"outer hint wins":   {fault.New(fault.Other, "run status", "deploy: %w", inner), fault.Failed, "run status"},
		"outer kind wins":   {fault.New(fault.Usage, "", "deploy: %w", inner), fault.Usage, "run logs"},
		"joined with plain": {errors.Join(io.EOF, inner), fault.Failed, "run logs"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := fault.KindOf(tc.err); got != tc.kind {
				t.Errorf("KindOf = %v, want %v", got, tc.kind)
			}
			if got := fault.HintOf(tc.err); got != tc.hint {
				t.Errorf("HintOf = %q, want %q", got, tc.hint)
			}
		})
	}
	if !errors.Is(inner, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
}
