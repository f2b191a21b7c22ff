// The layers of docs/architecture.md: imports point down only.
// commands → experiments → stage → workload faults checks diagnosis report → history cluster → common
const layers = [
  ['experiments', 'incidents'],
  ['stage'],
  ['workload', 'faults', 'checks', 'diagnosis', 'report'],
  ['history', 'cluster'],
  ['common'],
];

/** A folder may import the layers below its own, itself, and nothing beside or above. */
const layerRules = layers.flatMap((folders, depth) =>
  folders.map((folder) => ({
    name: `layers-${folder}`,
    severity: 'error',
    from: { path: `^scripts/${folder}/` },
    to: {
      path: '^scripts/',
      pathNot: [
        `^scripts/${folder}/`,
        ...layers
          .slice(depth + 1)
          .flat()
          .map((below) => `^scripts/${below}/`),
      ],
    },
  })),
);

module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: 'checks-are-pure',
      comment: 'A check sees the history only: no cluster, no clock, no I/O.',
      severity: 'error',
      from: { path: '^scripts/checks/' },
      to: { path: ['^scripts/cluster/', '^node:', '^(fs|net|http|https|child_process|timers)(/|$)'] },
    },
    {
      name: 'services-stand-alone',
      severity: 'error',
      from: { path: '^services/' },
      to: { path: '^scripts/' },
    },
    {
      name: 'scripts-know-the-protocol-only',
      severity: 'error',
      from: { path: '^scripts/' },
      to: { path: '^services/', pathNot: '^services/protocol/' },
    },
    {
      name: 'protocol-stands-alone',
      severity: 'error',
      from: { path: '^services/protocol/' },
      to: { path: '^services/', pathNot: '^services/protocol/' },
    },
    {
      name: 'grpc-kit-stands-alone',
      comment: 'It is published as it is.',
      severity: 'error',
      from: { path: '^services/grpc-kit/src/' },
      to: { path: '^(services|scripts)/', pathNot: '^services/grpc-kit/src/' },
    },
    {
      name: 'experimental-in-one-file',
      comment: 'What grpc-js may change in any minor version is named once: others import it from there.',
      severity: 'error',
      from: { path: '^services/', pathNot: '^services/grpc-kit/' },
      to: { path: '^services/grpc-kit/src/grpc-experimental' },
    },
    {
      name: 'servers-and-clients-apart',
      severity: 'error',
      from: { path: '^services/(greeter-[a-z]+)/' },
      to: { path: '^services/greeter-', pathNot: '^services/$1/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^services/(gen|grpc-kit/dist)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'types', 'default'],
    },
  },
};
