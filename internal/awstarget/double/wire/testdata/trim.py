"""Writes the parts of botocore's service models that the double answers for: python3 trim.py"""
import gzip, json, os
import botocore

WANTED = {
    "cloudformation/2010-05-15": [
        "CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet", "DeleteChangeSet", "DescribeStacks",
        "DescribeStackEvents", "DescribeEvents", "GetTemplate", "GetTemplateSummary", "DeleteStack", "ContinueUpdateRollback",
        "ListStackResources"],
    "cloudfront/2020-05-31": [
        "GetDistribution", "ListDistributions", "ListFunctions", "ListOriginAccessControls", "ListKeyValueStores"],
    "codepipeline/2015-07-09": [
        "StartPipelineExecution", "StopPipelineExecution", "ListPipelineExecutions", "ListActionExecutions"],
    "codeconnections/2023-12-01": ["ListConnections", "GetConnection", "CreateConnection", "ListTagsForResource"],
    "codebuild/2016-10-06": ["BatchGetBuilds", "StartBuild", "StopBuild"],
    "logs/2014-03-28": ["GetLogEvents"],
    "sts/2011-06-15": ["GetCallerIdentity", "AssumeRoleWithWebIdentity"],
    "iam/2010-05-08": ["ListOpenIDConnectProviders", "GetOpenIDConnectProvider", "SimulatePrincipalPolicy"],
    "service-quotas/2019-06-24": ["ListServiceQuotas"],
    "acm/2015-12-08": [
        "RequestCertificate", "DescribeCertificate", "ListCertificates", "ListTagsForCertificate", "DeleteCertificate"],
    "route53/2013-04-01": [
        "ListHostedZones", "GetHostedZone", "ListResourceRecordSets", "ChangeResourceRecordSets", "GetChange"],
}
HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(os.path.dirname(botocore.__file__), "data")


def bare(node):
    if isinstance(node, dict):
        return {k: bare(v) for k, v in node.items() if k not in ("documentation", "examples", "endpoint", "smithy.rules", "authtype")}
    return [bare(v) for v in node] if isinstance(node, list) else node


for path, names in WANTED.items():
    with gzip.open(os.path.join(DATA, path, "service-2.json.gz")) as f:
        model = json.load(f)
    operations = {n: bare(model["operations"][n]) for n in names}
    shapes, todo = {}, []
    for op in operations.values():
        todo += [op[k]["shape"] for k in ("input", "output") if k in op] + [e["shape"] for e in op.get("errors", [])]
    while todo:
        name = todo.pop()
        if name in shapes:
            continue
        s = shapes[name] = bare(model["shapes"][name])
        refs = list(s.get("members", {}).values()) + [s[k] for k in ("member", "key", "value") if k in s]
        todo += [r["shape"] for r in refs]
    m = model["metadata"]
    metadata = {k: m[k] for k in ("apiVersion", "protocol", "targetPrefix", "jsonVersion", "xmlNamespace", "signingName", "endpointPrefix") if k in m}
    out = {"botocore": botocore.__version__, "metadata": metadata, "operations": operations, "shapes": shapes}
    with open(os.path.join(HERE, path.split("/")[0] + ".json"), "w") as f:
        json.dump(out, f, indent=1, sort_keys=True)
        f.write("\n")
