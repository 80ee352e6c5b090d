// Package live asks a real AWS account what documentation leaves open. It has tests only, behind the build tag aws; see
// docs/aws.md, "The live suite".
package live
