/**
 * The AWS emulator as a Pulumi plugin, `pulumi-resource-aws`. It has the resources of @pulumi/aws that the project
 * declares, and keeps its cloud in the folder AWS_DOUBLE_DIR. README.md says what it enforces.
 */
import { Metadata, Server, status } from "@grpc/grpc-js";
import any from "google-protobuf/google/protobuf/any_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import providerServices from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import statuses from "@pulumi/pulumi/proto/status_pb.js";
import {
  channelOptions,
  endGracefully,
  engineAddressFrom,
  notInStandIn,
  serve,
  unary,
  watchEngine,
} from "../../../offline-kit/plugin-server.ts";
import { withoutNulls } from "../../../offline-kit/command-provider/property.ts";
import { Cloud, folderVariable } from "./cloud.ts";
import { checkConfiguration, configuredAccount, regionOf } from "./configuration.ts";
import { invoke } from "./invokes.ts";
import { AwsProvider, apiFor, Incomplete } from "./provider.ts";
import type { ResourceType } from "./resource.ts";
import { resourceTypes } from "./resources/index.ts";
import type { CheckFailure, Values } from "./schema.ts";

/** The version of @pulumi/aws that its resources follow. The engine accepts any version of a plugin on PATH. */
const version = "7.48.0";

const server = new Server(channelOptions);
const end = endGracefully(server);

interface Configured {
  provider: AwsProvider;
  cloud: Cloud;
  region: string;
}
let configured: Configured | undefined;

function configuration(): Configured {
  if (configured === undefined) throw new Error("the provider isn't configured");
  return configured;
}

const read = (properties: struct.Struct | undefined): Values =>
  withoutNulls(properties?.toJavaScript() ?? {});
const write = (properties: Values): struct.Struct => struct.Struct.fromJavaScript(properties);

/** By the type in `urn:pulumi:stack::project::parent$type::name`. */
function typeOf(urn: string): ResourceType {
  const token = urn.split("::")[2]?.split("$").at(-1) ?? urn;
  const type = resourceTypes.get(token);
  if (type === undefined) throw notInStandIn(token, "add it to test/doubles/aws/resources");
  return type;
}

async function configure(request: provider.ConfigureRequest): Promise<provider.ConfigureResponse> {
  const folder = process.env[folderVariable];
  if (folder === undefined)
    throw new Error(`the AWS emulator keeps its cloud in the folder ${folderVariable}: set it`);
  const inputs = read(request.getArgs());
  const region = regionOf(inputs);
  const account = await configuredAccount(inputs);
  const cloud = new Cloud(folder, account, "provider", async (where, bucket, key) => {
    const { findObject } = await import("./object-store.ts");
    return await findObject(account, where, bucket, key);
  });
  configured = { provider: new AwsProvider(cloud, region), cloud, region };
  // The engine keeps track of secrets, and marks outputs of the same name.
  return new provider.ConfigureResponse().setSupportspreview(true);
}

function check(request: provider.CheckRequest): provider.CheckResponse {
  const { inputs, failures } = configuration().provider.check(
    typeOf(request.getUrn()),
    read(request.getNews()),
  );
  return checkResponse(inputs, failures);
}

function checkResponse(inputs: Values, failures: readonly CheckFailure[]): provider.CheckResponse {
  const list = failures.map(({ property, reason }) =>
    new provider.CheckFailure().setProperty(property).setReason(reason),
  );
  return new provider.CheckResponse().setInputs(write(inputs)).setFailuresList(list);
}

function diff(request: provider.DiffRequest): provider.DiffResponse {
  const type = typeOf(request.getUrn());
  const [state, news] = [read(request.getOlds()), read(request.getNews())];
  const { detailed, deletesFirst } = configuration().provider.diff(
    type,
    state,
    news,
    request.getIgnorechangesList(),
  );
  const response = new provider.DiffResponse().setHasdetaileddiff(true).setDeletebeforereplace(deletesFirst);
  const kinds = provider.PropertyDiff.Kind;
  const replacing = { add: kinds.ADD_REPLACE, delete: kinds.DELETE_REPLACE, update: kinds.UPDATE_REPLACE };
  const inPlace = { add: kinds.ADD, delete: kinds.DELETE, update: kinds.UPDATE };
  const heads = new Set<string>();
  const replaces = new Set<string>();
  for (const [path, { kind, replaces: doesReplace }] of detailed) {
    const propertyDiff = new provider.PropertyDiff().setKind((doesReplace ? replacing : inPlace)[kind]);
    response.getDetaileddiffMap().set(path, propertyDiff);
    const head = /^[^.[]+/.exec(path)?.[0] ?? path;
    heads.add(head);
    if (doesReplace) replaces.add(head);
  }
  const { DIFF_SOME, DIFF_NONE } = provider.DiffResponse.DiffChanges;
  response.setChanges(detailed.size > 0 ? DIFF_SOME : DIFF_NONE);
  return response.setDiffsList([...heads]).setReplacesList([...replaces].sort());
}

async function create(request: provider.CreateRequest): Promise<provider.CreateResponse> {
  const type = typeOf(request.getUrn());
  const inputs = read(request.getProperties());
  const { provider: aws } = configuration();
  if (request.getPreview()) {
    return new provider.CreateResponse().setProperties(write(aws.previewOfCreate(type, inputs)));
  }
  const { id, state } = await recordingIncomplete(() => aws.create(type, inputs));
  return new provider.CreateResponse().setId(id).setProperties(write(state));
}

async function update(request: provider.UpdateRequest): Promise<provider.UpdateResponse> {
  const type = typeOf(request.getUrn());
  const [state, inputs] = [read(request.getOlds()), read(request.getNews())];
  const { provider: aws } = configuration();
  const now = request.getPreview()
    ? aws.previewOfUpdate(state, inputs)
    : await recordingIncomplete(() => aws.update(type, request.getId(), state, inputs));
  return new provider.UpdateResponse().setProperties(write(now));
}

/** An Incomplete as the engine expects it: an error with the resource's id and state. */
async function recordingIncomplete<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Incomplete)) throw error;
    const detail = new provider.ErrorResourceInitFailed()
      .setId(error.id)
      .setProperties(write(error.state))
      .setInputs(write(error.inputs))
      .setReasonsList([error.message]);
    const packed = new any.Any();
    packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const whole = new statuses.Status().setCode(status.UNKNOWN).setMessage(error.message);
    whole.addDetails(packed);
    const metadata = new Metadata();
    metadata.add("grpc-status-details-bin", Buffer.from(whole.serializeBinary()));
    throw Object.assign(new Error(error.message), { code: status.UNKNOWN, details: error.message, metadata });
  }
}

async function readResource(request: provider.ReadRequest): Promise<provider.ReadResponse> {
  const type = typeOf(request.getUrn());
  const [state, inputs] = [read(request.getProperties()), read(request.getInputs())];
  const found = await configuration().provider.read(type, request.getId(), state, inputs);
  if (found === undefined) return new provider.ReadResponse();
  return new provider.ReadResponse()
    .setId(found.id)
    .setProperties(write(found.state))
    .setInputs(write(found.inputs));
}

async function remove(request: provider.DeleteRequest): Promise<empty.Empty> {
  const type = typeOf(request.getUrn());
  await configuration().provider.delete(type, request.getId(), read(request.getProperties()));
  return new empty.Empty();
}

async function invokeFunction(request: provider.InvokeRequest): Promise<provider.InvokeResponse> {
  const args = read(request.getArgs());
  const { cloud, region } = configuration();
  const at = typeof args["region"] === "string" ? args["region"] : region;
  const answer = await invoke(apiFor(cloud, at), request.getTok(), args);
  return new provider.InvokeResponse().setReturn(write(answer));
}

server.addService(providerServices.ResourceProviderService, {
  getPluginInfo: unary(() => new plugin.PluginInfo().setVersion(version)),
  attach: unary((request: plugin.PluginAttach) => {
    watchEngine(request.getAddress(), end);
    return new empty.Empty();
  }),
  checkConfig: unary((request: provider.CheckRequest) => {
    const inputs = read(request.getNews());
    return checkResponse(inputs, checkConfiguration(inputs));
  }),
  diffConfig: unary(() => {
    throw Object.assign(new Error("DiffConfig is not implemented"), { code: status.UNIMPLEMENTED });
  }),
  configure: unary(configure),
  check: unary(check),
  diff: unary(diff),
  create: unary(create),
  update: unary(update),
  read: unary(readResource),
  delete: unary(remove),
  invoke: unary(invokeFunction),
  cancel: unary(() => new empty.Empty()),
  getMapping: unary(() => new provider.GetMappingResponse()),
});

const engineAddress = engineAddressFrom(process.argv.slice(2));
if (engineAddress !== undefined) watchEngine(engineAddress, end);
await serve(server);
