package template

// LambdaCompute reports whether the template runs the release step on CodeBuild's Lambda compute in a region, where nothing
// else is asked for: the template's own list of regions decides.
func LambdaCompute(region string) bool {
	doc, err := parse(hosting)
	if err != nil {
		panic(err) // it is part of the program
	}
	r, err := newResolver(doc, Parameters{"AWS::Region": region})
	if err != nil {
		panic(err)
	}
	holds, err := r.condition("ReleaseOnLambda", nil, "Conditions")
	if err != nil {
		panic(err)
	}
	return holds
}
