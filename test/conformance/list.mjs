import tests from './tests/index.mjs'
import surrogate from './tests/surrogate-control.mjs'

const list = []
for (const suite of [...tests, surrogate]) {
  for (const t of suite.tests) {
    list.push({ ID: t.id, Name: t.name, Suite: suite.id, Kind: t.kind || 'required', DependsOn: t.depends_on || [] })
  }
}
console.log(JSON.stringify(list))
