// Package live asks what documentation leaves open: of a real AWS account with the build tag aws, and otherwise, with the same
// questions, of the double, so that they are known to work before anybody pays for an answer. It has tests only; see
// docs/aws-live-suite.md.
package live
