/** Serves the emulator over HTTP for tests in this process. Sets the SDK's variables to it, and restores them at the end. */
import { temporaryFolder } from "../../helpers/temporary.ts";
import { CloudFolder } from "./cloud-folder.ts";
import { serveCloud, type ServeOptions } from "./http/server.ts";

export interface TestEndpoint {
  url: string;
  cloud: CloudFolder;
  /** What programs need in their environment. */
  environment: Record<string, string>;
  close(): void;
}

/** Nothing needs polls in this cloud. */
export async function testEndpoint(options: ServeOptions = {}): Promise<TestEndpoint> {
  const polls = { visible: 0, register: 0, copy: 0, import: 0, parameter: 0, blockPublicAccess: 0 };
  const cloud = new CloudFolder(temporaryFolder(), { polls });
  const { url, server } = await serveCloud(cloud.folder, options);
  const environment = {
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: "111122223333",
    AWS_SECRET_ACCESS_KEY: "double",
  };
  const before = Object.keys(environment).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, environment);
  const close = (): void => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    server.closeAllConnections();
    server.close();
  };
  return { url, cloud, environment, close };
}
