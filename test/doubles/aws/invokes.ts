/** The provider's functions that the program may call. */
import { defined } from "../../../src/lib/defined.ts";
import type { ShownImage } from "./cloud/describe.ts";
import { ProviderError, tagMap, type Api } from "./resource.ts";
import type { Values } from "./schema.ts";

interface GetAmiArgs {
  owners?: string[];
  mostRecent?: boolean;
  nameRegex?: string;
  filters?: { name: string; values: string[] }[];
}

export async function invoke(api: Api, token: string, args: Values): Promise<Values> {
  switch (token) {
    case "aws:index/getCallerIdentity:getCallerIdentity": {
      const { Account, Arn, UserId } = await api.call("GetCallerIdentity", {});
      return { accountId: Account, arn: Arn, userId: UserId, id: Account };
    }
    case "aws:index/getRegion:getRegion": {
      const name = api.region;
      return { name, region: name, id: name, endpoint: `ec2.${name}.amazonaws.com`, description: name };
    }
    case "aws:ec2/getAmi:getAmi":
      return await getAmi(api, args);
    default:
      throw new Error(`${token} isn't in the AWS emulator`);
  }
}

async function getAmi(api: Api, args: GetAmiArgs): Promise<Values> {
  const { Images } = await api.call("DescribeImages", {
    ...defined({ Owners: args.owners }),
    Filters: (args.filters ?? []).map(({ name, values }) => ({ Name: name, Values: values })),
  });
  const expression = args.nameRegex === undefined ? undefined : new RegExp(args.nameRegex);
  const found = Images.filter(({ Name }) => expression?.test(Name) ?? true);
  if (found.length === 0) {
    const remedy = "Please change your search criteria and try again.";
    throw new ProviderError("NoResult", `Your query returned no results. ${remedy}`);
  }
  if (found.length > 1 && args.mostRecent !== true) {
    const remedy = "Please try a more specific search criteria, or set `most_recent` attribute to true.";
    throw new ProviderError("TooMany", `Your query returned more than one result. ${remedy}`);
  }
  const newest = [...found].sort((a, b) => (a.CreationDate < b.CreationDate ? 1 : -1))[0];
  return amiAnswer(api, newest!);
}

function amiAnswer(api: Api, image: ShownImage): Values {
  const answer = {
    id: image.ImageId,
    imageId: image.ImageId,
    name: image.Name,
    architecture: image.Architecture,
    arn: `arn:aws:ec2:${api.region}::image/${image.ImageId}`,
    bootMode: image.BootMode,
    creationDate: image.CreationDate,
    deprecationTime: image.DeprecationTime,
    description: image.Description,
    enaSupport: image.EnaSupport,
    imdsSupport: image.ImdsSupport,
    ownerId: image.OwnerId,
    public: image.Public,
    rootDeviceName: image.RootDeviceName,
    state: image.State,
    rootSnapshotId: image.BlockDeviceMappings[0]?.Ebs.SnapshotId,
    tags: tagMap(image.Tags),
    virtualizationType: image.VirtualizationType,
    region: api.region,
  };
  return JSON.parse(JSON.stringify(answer)) as Values;
}
