/**
 * The kinds of fault that a person or a program can react to. Codes stay; texts change. docs/errors.md is made from this file.
 * One line each: what is the matter → what to do.
 */
export const errorCodes = {
  "Programs and files": {
    internal: "The program has a defect; its stack is on stderr. → Report it with the stack.",
    usage: "The program does not understand its command line. → See the command's --help.",
    "disk-full": "A disk is full. → Make room; `npm run clean` empties the project's caches.",
    "file-missing": "A file is not there. → Correct its name, or make it.",
    "file-unreadable": "The program cannot read a file. → See its permissions, and what it holds.",
    "loopback-unavailable":
      "The program cannot listen on this machine's loopback. → See the network settings.",
    "several-faults": "Several regions failed in different ways. → See each of the problems.",
  },
  Configuration: {
    "configuration-invalid":
      "The files have several mistakes of different kinds. → See each of the problems.",
    "yaml-invalid":
      "A file is no valid YAML, or its aliases lead nowhere, in circles, or to too many values. → Correct it there.",
    "unknown-key": "A file has a key, or a stack a setting, that nothing reads. → Correct its name.",
    "value-missing": "A value is missing. → Add it.",
    "value-invalid": "A value has the wrong type, or is not one of those allowed. → Correct it.",
    "unknown-dimension":
      "A rule or an entry names an unknown dimension. → Correct it, or list it in dimensions.yaml.",
    "unknown-dimension-value":
      "A rule or an entry names an unknown value of a dimension. → Correct it, or add the value's layer.",
    "unknown-version": "The ledger or configs/ lacks an Alpine version. → Correct it, or add it there.",
    "unknown-region":
      "configs/regions.yaml lacks a region. → Correct it, or run `npm run regions -- update`.",
    "unknown-cloud":
      "A cloud has no public list of its regions. → Correct its name, or give a file with --from.",
    "unknown-field": "An image has no such field. → Correct its name.",
    "overlay-missing": "An overlay's folder is not there. → Correct the stack's overlays.",
    "dimension-name-taken":
      "A dimension is listed twice, or has the name of another file in configs/. → Rename it.",
    "file-unused": "Nothing reads a file or folder in configs/. → Correct its name, or move it away.",
    "layers-contradict": "Two layers give one field values that cannot be merged. → Reset the field first.",
    "field-unset": "No layer sets a field that every image needs. → Set it in a layer.",
    "dimension-unsupported":
      "The builder cannot build for an architecture or a firmware. → Use one that it knows.",
    "placeholder-invalid": "A text has a lone brace, or names an unknown word in {braces}. → Correct it.",
    "unknown-repository-tag":
      "A package names a tag that no repository has. → Correct it, or give a repository that tag.",
    "grantee-invalid":
      "`access` names something that cannot be granted access. → Name PUBLIC, an account, or an organization's ARN.",
    "image-name-clash": "Two images would be stored under one name. → Make their names differ.",
    "unknown-image": "No image has this key. → `npm run images` lists them.",
    "selection-empty": "--only and --skip leave no image. → Correct the patterns.",
    "image-format-invalid":
      "An image's format and its format options do not go together. → Correct one of them.",
    "generated-file-stale": "A generated file is not what its source says. → Make it anew, and commit it.",
  },
  Ledger: {
    "unknown-entry": "The ledger has no such entry. → `npm run releases -- list` lists them.",
    "entry-release-invalid": "An entry's release does not belong to its version. → Correct it.",
    "entry-revision-invalid": "An entry's revision is used already, or lower than the last. → Take the next.",
    "entry-incomplete": "An entry's images do not name all dimensions. → Name the missing one.",
    "entry-image-repeated": "An entry names an image twice. → Take one out.",
    "entry-image-excluded": "An entry names an image that a layer excludes. → Drop it, or the exclusion.",
    "entry-selection-empty": "A selection in an entry matches none of its images. → Correct it.",
    "entry-stage-conflict":
      "`promote` would lower a stage, or `withdraw` would raise it. → Use the other command.",
    "entry-protected": "Images are still protected. → Take the step before this one, and run `up`.",
    "entry-unmarked": "None of the entry's images is marked for removal. → First `remove`, and `up`.",
    "retirement-date-refused": "Clouds refuse such a date of deprecation. → Give one that they allow.",
    "release-not-served":
      "A mirror serves another release of a version. → Declare that one, or use another mirror.",
    "upstream-unreachable":
      "The program cannot fetch a public list or index. → See the network, or give a file.",
    "upstream-invalid": "A public list or index has other content than expected. → See what is served there.",
  },
  Stacks: {
    "stack-not-selected": "No stack is named, and none is selected. → Name one with --stack.",
    "stack-file-missing":
      "A stack's file Pulumi.NAME.yaml is not here. → Correct the name, or make the stack.",
    "stack-file-edited":
      "Files of a fleet's stacks were changed by hand. → Take over what is right, then --force.",
    "stack-export-invalid": "A file is no export of a stack's state. → `pulumi stack export` makes one.",
    "stack-locked": "Another run holds the stack, or has begun meanwhile. → Wait, or see that it is gone.",
    "stack-changed": "The stack's state was changed meanwhile. → Run the command again.",
    "stack-resources-missing": "A preview or an export lacks images that the ledger has. → Make it anew.",
    "fleet-empty": "A fleet has no stack. → `npm run fleet -- make` makes them.",
    "template-has-secret":
      "A fleet's template has a secret, which is one stack's own. → Set it in each stack.",
    "pulumi-failed": "A command of Pulumi failed. → See what it said.",
    "step-unknown": "scripts/step.ts was called without a step. → Use `pulumi up`, which calls it.",
    "step-input-missing":
      "A step lacks the result of the step before it. → Run `pulumi up` without --target.",
  },
  "Tools and bootstrap": {
    "tools-not-set-up": "The project's tools are not set up. → Run `node scripts/bootstrap.mjs`.",
    "tool-missing": "A program or a firmware is not installed. → Install it; `npm run bootstrap` says how.",
    "tool-outdated": "A program, or Node, is too old. → Install a newer one, first on PATH.",
    "tool-failed": "A tool failed, or is another program than expected. → See what it said.",
    "platform-unsupported": "A tool has no release for this machine. → Install it yourself.",
    "download-unreachable":
      "A server cannot be reached, or answers with an error. → See the network; try again.",
    "download-interrupted": "A download broke off. → Try again.",
    "download-damaged": "A download has another checksum than its release says. → Try again; do not use it.",
  },
  "Mirrors and packages": {
    "mirror-unreachable":
      "A mirror cannot be reached, or lacks a file. → See the stack's mirror.url, and the network.",
    "mirror-incomplete": "A mirror lacks packages that every build needs. → Use a complete mirror.",
    "mirror-format-unknown":
      "A mirror serves something else than an apk v2 repository, or damaged data. → See the mirror's URL.",
    "mirror-key-invalid": "A mirror's key file is not a PEM public key. → Correct the stack's mirror.keys.",
    "offline-kit-incomplete": "The offline kit lacks a version or an architecture. → `npm run kit` makes it.",
    "index-unsigned": "A mirror's index has no signature. → Use a mirror that signs it.",
    "signing-key-unknown":
      "An index is signed with an unknown key. → Add it to the stack's mirror.keys, if you trust it.",
    "signature-invalid":
      "An index does not match its signature. → The mirror is damaged or hostile: use another.",
    "checksum-wrong": "A package does not match its checksum. → Try again, or use another mirror.",
    "package-missing":
      "No repository has a package that a layer asks for. → Correct its name, or add the repository.",
  },
  Builds: {
    "guest-timeout": "A build guest was not done in time. → See its console; raise build.timeoutMinutes.",
    "guest-request-unmet":
      "The image lacks a service, module or feature that a layer asks for, or room on its disk. → Correct that layer.",
    "guest-script-failed": "A script failed in the build guest. → See its console.",
    "guest-panic": "The build guest's kernel panicked. → See its console.",
    "guest-no-report":
      "A build guest ended without a report, or with none that can be read. → See its console.",
    "disk-check-failed":
      "A finished disk does not match its variant. → See the layers' scripts and packages.",
    "image-damaged": "A converted image does not match its disk. → Build it again, or with another QEMU.",
    "image-not-reproducible":
      "An image came out different when it was built again. → See the guest's scripts.",
    "image-file-name-invalid":
      "A file is not called like an image's. → Give one that ends like an image's file.",
    "image-not-built": "The image to boot is not there. → Build it with `npm run build`.",
    "image-lost":
      "A built image is neither on this machine nor in storage. → Copy it here, or build it anew.",
    "image-changed": "An image's file changed while it was read. → Build it again.",
    "boot-failed": "A boot test failed. → See the console and the checks that it names.",
    "boot-machine-unknown":
      "The boot test knows no machine for a cloud. → Add one to src/boot-test/machines.",
    "ssh-key-invalid": "A file holds no usable SSH key. → Give one that ssh-keygen made.",
    "benchmark-failed": "Builds of a benchmark failed, or differ. → See each of them.",
  },
  "Remote builders": {
    "unknown-builder": "The stack has no such builder. → Name it in the stack's builders.",
    "builder-unreachable": "A builder cannot be reached. → See its host, its port, and its SSH server.",
    "builder-host-key-wrong":
      "A builder has another host key than its stack pins. → See that it is the right machine.",
    "builder-login-refused":
      "A builder refuses the login. → See its user, the key, and authorized_keys there.",
    "builder-forwarding-refused": "A builder does not forward ports. → Set AllowTcpForwarding there.",
    "builder-lost":
      "The connection to a builder was lost. → Run it again: what is finished there is fetched.",
    "builder-node-unusable": "A builder has no Node, or one too old. → Install a newer one there.",
    "builder-setup-failed": "A builder could not be set up. → See what it said.",
    "builder-build-failed": "A builder ended without an image. → See what it said.",
    "builder-result-wrong": "What came from a builder is damaged, or another image. → Run it again.",
    "builder-inputs-differ": "A builder computes other inputs than were asked for. → Report it as a defect.",
    "builder-key-outside-project":
      "A remote build needs a key outside of the project. → Move it into the project.",
    "ssh-agent-missing": "There is no SSH agent to log in with. → Start one, or name a key.",
  },
  "Storage and signatures": {
    "storage-unsupported": "The storage's URL has an unknown scheme. → Use a file:// URL.",
    "storage-unwritable": "The storage's folder cannot be written. → See the stack's storageUrl.",
    "signing-failed":
      "The signing command failed, was not done in time, or left no signature. → See what it said.",
  },
  AWS: {
    "aws-credentials-expired": "AWS credentials have expired. → Renew them, and run it again.",
    "aws-credentials-invalid": "AWS credentials are missing or not valid. → Give valid ones.",
    "aws-clock-wrong": "This machine's clock is far from AWS's. → Set it.",
    "aws-denied": "AWS denies a call. → Let the credentials' policy allow it.",
    "aws-bucket-missing":
      "A bucket is not there, or none is set. → Make it, or correct the stack's aws.bucket.",
    "aws-region-wrong": "A bucket is in another region. → Correct the stack's aws.region or aws.bucket.",
    "aws-data-damaged": "Data arrived damaged at AWS. → Run it again.",
    "aws-throttled": "AWS throttles the calls. → Run it again later, or with fewer at once.",
    "aws-quota-reached": "The account has reached a quota. → Raise it, or remove what is not needed.",
    "aws-in-use": "An image still uses a snapshot. → Deregister that image first.",
    "aws-unreachable": "AWS cannot be reached, or fails. → Run it again: it goes on where it stopped.",
    "aws-account-wrong": "Credentials are of another account than the stack's. → Use that account's.",
    "aws-not-the-emulator":
      "A stack that uses an AWS emulator would call AWS itself. → Set AWS_ENDPOINT_URL.",
    "aws-object-foreign":
      "An object in the bucket has other content than its name says. → Find out who put it there.",
    "aws-snapshot-unfinished":
      "A snapshot was not completed in time, or is gone. → Run it again; find out who removes them.",
    "aws-still-pending": "AWS has not finished yet. → Run it again later.",
    "aws-channel-differs":
      "An SSM parameter names another image. → See that image, and run `pulumi up` again.",
  },
} as const;

type Codes = typeof errorCodes;

/** A fault's kind. */
export type ErrorCode = { [Subject in keyof Codes]: keyof Codes[Subject] }[keyof Codes];
