// Package frameworks takes real starters of front-end frameworks from the npm registry, and leads each from its folder to a site
// on the local target: init without a question, a real build, and every page and asset asked for through the edge. The tests need
// the network, npm and minutes, so they have a build tag of their own: make e2e-frameworks.
package frameworks
