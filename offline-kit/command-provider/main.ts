/**
 * The offline stand-in for `pulumi-resource-command` 1.2.1: `command:local:Command` and `command:local:run`,
 * with the real provider's behaviour and pitfalls. `command:remote:*` is not supported.
 */
import { randomBytes } from "node:crypto";
import { Server, credentials, status } from "@grpc/grpc-js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import engineServices from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import providerServices from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import {
  channelOptions,
  endGracefully,
  engineAddressFrom,
  notInStandIn,
  serve,
  unary,
  watchEngine,
} from "../plugin-server.ts";
import { Deadlines } from "./deadlines.ts";
import { execute, type CommandOutputs } from "./execute.ts";
import { checkInputs, commandShapes, readCommandInputs, readRunInputs, runShapes } from "./inputs.ts";
import { previewOfCreate, previewOfUpdate, withIgnored } from "./preview.ts";
import { differences, withoutNulls, type Properties } from "./property.ts";

const version = "1.2.1";
const commandType = "command:local:Command";
const runToken = "command:local:run";

/** What the real provider's framework stores in the provider's state. Stored here, too, so that both can share stacks. */
const frameworkState = { "__pulumi-go-provider-version": "1.2.0" };

const server = new Server(channelOptions);
const end = endGracefully(server);
const deadlines = new Deadlines();
let engineClient: InstanceType<typeof engineServices.EngineClient> | undefined;

function connect(address: string): void {
  engineClient = new engineServices.EngineClient(address, credentials.createInsecure(), channelOptions);
  watchEngine(address, end);
}

/** Shows a line next to the resource while the operation runs. */
async function logLine(urn: string, line: string): Promise<void> {
  const request = new engine.LogRequest()
    .setSeverity(engine.LogSeverity.INFO)
    .setMessage(line)
    .setUrn(urn)
    .setEphemeral(true);
  // A line that can't be logged must not fail the command.
  await new Promise<void>((resolve) =>
    engineClient ? engineClient.log(request, () => resolve()) : resolve(),
  );
}

function read(properties: struct.Struct | undefined): Properties {
  return withoutNulls(properties?.toJavaScript() ?? {});
}

function write(properties: Properties): struct.Struct {
  return struct.Struct.fromJavaScript(properties);
}

/** The type in `urn:pulumi:stack::project::parent$type::name`. */
function requireCommand(urn: string): void {
  const type = urn.split("::")[2]?.split("$").at(-1);
  if (type !== commandType) throw notInStandIn(type ?? urn, "install the real plugin: pulumi plugin install");
}

function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

const noOutputs: CommandOutputs = { stdout: "", stderr: "" };

function outputsOf(state: Properties): CommandOutputs {
  const inputs = new Set(Object.keys(commandShapes));
  const rest = Object.entries(state).filter(([key]) => !inputs.has(key));
  return { ...noOutputs, ...(Object.fromEntries(rest) as Partial<CommandOutputs>) } as CommandOutputs;
}

async function run(
  urn: string,
  command: string | undefined,
  properties: Properties,
  previous: CommandOutputs,
  timeoutSeconds: number,
): Promise<CommandOutputs> {
  if (command === undefined) return previous;
  return await deadlines.within(timeoutSeconds, (signal) =>
    execute(command, readCommandInputs(properties), previous, (line) => logLine(urn, line), signal),
  );
}

async function create(request: provider.CreateRequest): Promise<provider.CreateResponse> {
  const urn = request.getUrn();
  requireCommand(urn);
  const inputs = read(request.getProperties());
  const id = nameOf(urn) + randomBytes(4).toString("hex");
  const state = request.getPreview()
    ? previewOfCreate(inputs)
    : {
        ...inputs,
        ...(await run(urn, readCommandInputs(inputs).create, inputs, noOutputs, request.getTimeout())),
      };
  return new provider.CreateResponse().setId(id).setProperties(write(state));
}

async function update(request: provider.UpdateRequest): Promise<provider.UpdateResponse> {
  const urn = request.getUrn();
  requireCommand(urn);
  const olds = read(request.getOlds());
  const inputs = withIgnored(read(request.getNews()), olds, request.getIgnorechangesList());
  const outputs = outputsOf(olds);
  if (request.getPreview()) {
    return new provider.UpdateResponse().setProperties(write(previewOfUpdate(olds, inputs, outputs)));
  }
  const commands = readCommandInputs(inputs);
  const result = await run(urn, commands.update ?? commands.create, inputs, outputs, request.getTimeout());
  return new provider.UpdateResponse().setProperties(write({ ...inputs, ...result }));
}

async function remove(request: provider.DeleteRequest): Promise<empty.Empty> {
  const urn = request.getUrn();
  requireCommand(urn);
  const state = read(request.getProperties());
  await run(urn, readCommandInputs(state).delete, state, outputsOf(state), request.getTimeout());
  return new empty.Empty();
}

function check(request: provider.CheckRequest): provider.CheckResponse {
  requireCommand(request.getUrn());
  const inputs = read(request.getNews());
  const failures = checkInputs(inputs, commandShapes, "local.CommandInputs");
  return new provider.CheckResponse().setInputs(write(inputs)).setFailuresList(failures.map(checkFailure));
}

function checkFailure(failure: { property: string; reason: string }): provider.CheckFailure {
  return new provider.CheckFailure().setProperty(failure.property).setReason(failure.reason);
}

function diff(request: provider.DiffRequest): provider.DiffResponse {
  requireCommand(request.getUrn());
  const news = withIgnored(read(request.getNews()), read(request.getOlds()), request.getIgnorechangesList());
  const found = differences(read(request.getOldInputs()), news);
  const kinds = provider.PropertyDiff.Kind;
  // Only a change of `triggers` as a whole replaces here. The SDK's replaceOnChanges handles changes inside it.
  const replace = { add: kinds.ADD_REPLACE, delete: kinds.DELETE_REPLACE, update: kinds.UPDATE_REPLACE };
  const inPlace = { add: kinds.ADD, delete: kinds.DELETE, update: kinds.UPDATE };
  const response = new provider.DiffResponse().setHasdetaileddiff(true);
  const changes = provider.DiffResponse.DiffChanges;
  response.setChanges(found.size > 0 ? changes.DIFF_SOME : changes.DIFF_NONE);
  for (const [path, change] of found) {
    const kind = path === "triggers" ? replace[change] : inPlace[change];
    response.getDetaileddiffMap().set(path, new provider.PropertyDiff().setKind(kind));
  }
  const heads = [...new Set([...found.keys()].map((path) => /^[^.[]+/.exec(path)?.[0] ?? path))];
  response.setDiffsList(heads);
  if (found.has("triggers")) response.setReplacesList(["triggers"]);
  return response;
}

async function invoke(request: provider.InvokeRequest): Promise<provider.InvokeResponse> {
  if (request.getTok() !== runToken) throw notInStandIn(request.getTok(), "install the real plugin");
  const inputs = read(request.getArgs());
  const failures = checkInputs(inputs, runShapes, "local.RunInputs");
  if (!("command" in inputs)) {
    failures.push({ property: "command", reason: "Missing required field 'command' on 'local.RunInputs'" });
  }
  if (failures.length > 0) return new provider.InvokeResponse().setFailuresList(failures.map(checkFailure));
  const parsed = readRunInputs(inputs);
  const outputs = await deadlines.within(0, (signal) =>
    execute(parsed.command, parsed, noOutputs, (line) => logLine("", line), signal),
  );
  return new provider.InvokeResponse().setReturn(write({ ...inputs, ...outputs }));
}

server.addService(providerServices.ResourceProviderService, {
  getPluginInfo: unary(() => new plugin.PluginInfo().setVersion(version)),
  attach: unary((request: plugin.PluginAttach) => {
    connect(request.getAddress());
    return new empty.Empty();
  }),
  checkConfig: unary((request: provider.CheckRequest) =>
    new provider.CheckResponse().setInputs(write({ ...read(request.getNews()), ...frameworkState })),
  ),
  diffConfig: unary(() => {
    throw Object.assign(new Error("DiffConfig is not implemented"), { code: status.UNIMPLEMENTED });
  }),
  configure: unary(() =>
    new provider.ConfigureResponse()
      .setAcceptsecrets(true)
      .setSupportspreview(true)
      .setAcceptresources(true)
      .setAcceptoutputs(true),
  ),
  check: unary(check),
  diff: unary(diff),
  create: unary(create),
  update: unary(update),
  delete: unary(remove),
  read: unary((request: provider.ReadRequest) => {
    requireCommand(request.getUrn());
    const response = new provider.ReadResponse().setId(request.getId());
    return response.setProperties(request.getProperties()).setInputs(request.getInputs());
  }),
  invoke: unary(invoke),
  cancel: unary(() => {
    deadlines.cancelAll();
    return new empty.Empty();
  }),
  getMapping: unary(() => new provider.GetMappingResponse()),
});

const engineAddress = engineAddressFrom(process.argv.slice(2));
if (engineAddress !== undefined) connect(engineAddress);
await serve(server);
