/**
 * The offline stand-in for `pulumi-language-nodejs`: the engine starts it, and it starts the Node program.
 * Supports only what `preview`, `up`, `refresh`, `destroy`, `import` and `about` need from a language host.
 */
import { Server, status } from "@grpc/grpc-js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import languageServices from "@pulumi/pulumi/proto/language_grpc_pb.js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import {
  channelOptions,
  endGracefully,
  engineAddressFrom,
  notInStandIn,
  serve,
  unary,
  watchEngine,
} from "../plugin-server.ts";
import { about, programDependencies } from "./about.ts";
import { parseRuntimeOptions, type RuntimeOptions } from "./options.ts";
import { findPackages } from "./packages.ts";
import { runProgram } from "./run.ts";

/** The version of the language host that this one imitates. The CLI prints it in `pulumi about`. */
const version = "3.259.0-offline-stand-in";

let engineAddress = engineAddressFrom(process.argv.slice(2));
const cancellation = new AbortController();

function optionsOf(info: language.ProgramInfo | undefined): RuntimeOptions {
  return parseRuntimeOptions(info?.getOptions()?.toJavaScript() ?? {});
}

function directoryOf(info: language.ProgramInfo | undefined): string {
  return info?.getProgramDirectory() ?? process.cwd();
}

async function run(request: language.RunRequest, signal: AbortSignal): Promise<language.RunResponse> {
  if (engineAddress === undefined) {
    throw new Error("when debugging or running explicitly, must call Handshake before Run");
  }
  const outcome = await runProgram(request, engineAddress, signal);
  return new language.RunResponse().setError(outcome.error).setBail(outcome.bail);
}

const server = new Server(channelOptions);
const end = endGracefully(server);
server.addService(languageServices.LanguageRuntimeService, {
  handshake: unary((request: language.LanguageHandshakeRequest) => {
    engineAddress = request.getEngineAddress();
    watchEngine(engineAddress, end);
    return new language.LanguageHandshakeResponse();
  }),
  getPluginInfo: unary(() => new plugin.PluginInfo().setVersion(version)),
  getRequiredPackages: unary((request: language.GetRequiredPackagesRequest) =>
    new language.GetRequiredPackagesResponse().setPackagesList(findPackages(directoryOf(request.getInfo()))),
  ),
  getRequiredPlugins: unary(() => {
    throw Object.assign(new Error("method GetRequiredPlugins not implemented"), {
      code: status.UNIMPLEMENTED,
    });
  }),
  run: unary(async (request: language.RunRequest, call) => {
    // Not AbortSignal.any: Node 20 may garbage-collect the signal while something waits for it.
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    call.on("cancelled", abort);
    cancellation.signal.addEventListener("abort", abort);
    if (cancellation.signal.aborted) abort();
    return await run(request, stop.signal);
  }),
  about: unary((request: language.AboutRequest) => {
    const info = request.getInfo();
    optionsOf(info);
    return about(directoryOf(info));
  }),
  getProgramDependencies: unary((request: language.GetProgramDependenciesRequest) => {
    const info = request.getInfo();
    optionsOf(info);
    return programDependencies(directoryOf(info), request.getTransitivedependencies());
  }),
  runtimeOptionsPrompts: unary(() => new language.RuntimeOptionsResponse()),
  template: unary(() => new language.TemplateResponse()),
  cancel: unary(() => {
    cancellation.abort();
    return new empty.Empty();
  }),
  installDependencies: (call: { destroy: (error: Error) => void }) =>
    call.destroy(notInStandIn("`pulumi install`", "run `npm ci`")),
  runPlugin: (call: { destroy: (error: Error) => void }) =>
    call.destroy(notInStandIn("running a plugin written in Node", "install Pulumi's own language host")),
});

if (engineAddress !== undefined) {
  watchEngine(engineAddress, end);
}
await serve(server);
