import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { VARIABLE_NAMES } from '../../src/config/variables.ts';
import { root } from '../fixtures/compose/compose-file.ts';
import { readDockerfile } from '../fixtures/compose/dockerfile.ts';

const checker = fileURLToPath(new URL('./kubernetes', import.meta.url));
const folder = join(root, 'deploy/kubernetes');

const probe = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) });
const container = z.object({
  image: z.string(),
  args: z.array(z.string()),
  env: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  readinessProbe: probe.optional(),
  livenessProbe: probe.optional(),
  securityContext: z.unknown(),
});
const pod = z.object({
  terminationGracePeriodSeconds: z.number().optional(),
  securityContext: z.object({ runAsNonRoot: z.boolean() }),
  containers: z.array(container),
});
const manifest = z.object({
  kind: z.string(),
  metadata: z.object({ name: z.string() }),
  spec: z.object({ template: z.object({ spec: pod }).optional() }),
});

describe('deploy/kubernetes', () => {
  let pods: { name: string; spec: z.output<typeof pod> }[];
  beforeAll(async () => {
    const files = readdirSync(folder).map((file) => join(folder, file));
    // Decoded strictly into the types of Kubernetes' own API: an unknown field fails.
    const { stdout } = await promisify(execFile)('go', ['run', '.', ...files], { cwd: checker });
    const manifests = stdout
      .trim()
      .split('\n')
      .map((line) => manifest.parse(JSON.parse(line)));
    expect(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted()).toEqual([
      'Deployment tidemark-push',
      'Deployment tidemark-worker',
      'Job tidemark-migrate',
      'Service tidemark-push',
    ]);
    pods = manifests.flatMap(({ metadata, spec }) =>
      spec.template === undefined ? [] : [{ name: metadata.name, spec: spec.template.spec }],
    );
  });

  it('runs the image that Compose builds, without privileges over a read-only file system', () => {
    const image = /image: \$\{TIDEMARK_IMAGE:-(\S+)\}/.exec(
      readFileSync(join(root, 'docker-compose.yml'), 'utf8'),
    )?.[1];
    for (const { name, spec } of pods) {
      expect(spec.containers, name).toMatchObject([
        {
          image,
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ]);
      expect(spec.securityContext.runAsNonRoot).toBe(true);
    }
  });

  it('sets variables that Tidemark reads, and probes the ports that it listens on', () => {
    const { environment } = readDockerfile();
    const portOf = (address: string | undefined): number => Number(address?.split(':')[1]);
    for (const { name, spec } of pods) {
      for (const { env, args, ports, readinessProbe, livenessProbe } of spec.containers) {
        for (const { name: variable } of env) expect(VARIABLE_NAMES, name).toContain(variable);
        const open = Object.fromEntries(ports.map((port) => [port.name, port.containerPort]));
        const known = {
          health: portOf(environment['HEALTH_ADDRESS']),
          metrics: portOf(environment['METRICS_ADDRESS']),
          http: Number(args[2]),
        };
        expect({ ...known, ...open }, name).toEqual(known);
        for (const { httpGet } of [readinessProbe, livenessProbe].filter((candidate) => candidate !== undefined))
          expect(open).toHaveProperty(httpGet.port);
      }
    }
  });

  it('gives a container more time to stop than it needs', () => {
    for (const { name, spec } of pods.filter((candidate) => candidate.name !== 'tidemark-migrate'))
      expect(spec.terminationGracePeriodSeconds, name).toBeGreaterThanOrEqual(20);
  });
});
