// One user's mail as names: which folders there are, what they are called by the client, and who may do what with them.

/** Right letters of RFC 4314: a c d? e i k l n? p r s t w x; here always the new ones, without c and d. */
export type Rights = string;

/**
 * Where a name leads. Names are Unicode (NFC), as decoded from the client's form, with the namespace's prefix and
 * separator. "INBOX" in any case is INBOX.
 */
export interface Place {
  readonly name: string;
  readonly space: 'personal' | 'shared';
  /** The folder's directory, absolute; it need not exist. */
  readonly dir: string;
  /** The Maildir (INBOX's directory) it belongs to: where its quota and its cache are. */
  readonly root: string;
  /** Deletions here are final: it is the folder that the settings call Trash. */
  readonly trash: boolean;
  /** Its messages count for the root's quota: those of Maildir++'s own ".Trash" do not, nor those of others that are linked to. */
  readonly counted: boolean;
}

/** Why a name is refused: the response code, and a text without bytes of the client's. */
export type NameRefusal =
  | 'CANNOT'
  | 'NONEXISTENT'
  | 'ALREADYEXISTS'
  | 'NOPERM'
  | 'LIMIT'
  | 'HASCHILDREN'
  | 'OVERQUOTA'
  /** RFC 6154. */
  | 'USEATTR';

export interface NamespaceEntry {
  /** "" or "INBOX." or "#shared." */
  readonly prefix: string;
  readonly separator: string;
}

export interface Namespaces {
  readonly personal: readonly NamespaceEntry[];
  readonly others: readonly NamespaceEntry[];
  readonly shared: readonly NamespaceEntry[];
}

/** A folder, or a level above folders, for LIST. */
export interface ListedFolder {
  readonly name: string;
  readonly separator: string;
  /** It can be selected; false for a level that only has folders below it. */
  readonly exists: boolean;
  /** One below it exists (that the user may see). */
  readonly hasChildren: boolean;
  readonly subscribed: boolean;
  /** "\Sent" … (RFC 6154). */
  readonly uses: readonly string[];
}

export interface AclEntry {
  /** "owner", "anyone", "user=bob", "-group=x" … as RFC 4314 has them and Courier writes them. */
  readonly identifier: string;
  readonly rights: Rights;
}

export interface QuotaRoot {
  readonly name: string;
  readonly resources: readonly {
    readonly resource: 'STORAGE' | 'MESSAGE';
    /** STORAGE in units of 1024 bytes, rounded up. */
    readonly used: number;
    readonly limit: number;
  }[];
}

/** All methods throw NameFault for names and rights, Temporary for disk trouble. */
export interface MailAccount {
  /** INBOX's directory, absolute. */
  readonly root: string;
  readonly namespaces: Namespaces;
  /** Where `name` leads; does not look whether it is there. */
  locate(name: string): Place;
  /** As locate, and the folder is there and the user sees it (without l: NONEXISTENT) and has all of `rights` (else NOPERM). */
  find(name: string, rights: Rights): Promise<Place>;
  /** The user's rights on it: "lrswikxtea" for one's own without ACL (Courier's all; without p). */
  rights(place: Place): Promise<Rights>;

  /**
   * Every folder and level the user may see, INBOX first, then by name; subscribed names that are no folder are not here.
   * "personal" leaves out those of others: each of perhaps thousands of accounts has to be looked at.
   */
  folders(which?: 'personal' | 'all'): Promise<readonly ListedFolder[]>;
  subscriptions(): Promise<readonly string[]>;
  subscribe(name: string): Promise<void>;
  unsubscribe(name: string): Promise<void>;

  /** Makes levels above only when asked for by Maildir++'s nature (they need not exist). Gives the folder's place. */
  create(name: string, uses: readonly string[]): Promise<Place>;
  /** The folder's directory is moved out of sight and then removed. */
  remove(name: string): Promise<Place>;
  /** With all below it. RENAME of INBOX is not here: it moves messages. Gives old and new places of each folder renamed. */
  rename(
    from: string,
    to: string,
  ): Promise<readonly { readonly from: Place; readonly to: Place }[]>;

  acl(place: Place): Promise<readonly AclEntry[]>;
  setAcl(
    place: Place,
    identifier: string,
    change: 'replace' | 'add' | 'remove',
    rights: Rights,
  ): Promise<void>;
  deleteAcl(place: Place, identifier: string): Promise<void>;

  /** Undefined: no limit. */
  quota(place: Place): Promise<QuotaRoot | undefined>;
  /** Throws NameFault OVERQUOTA when so many bytes in so many messages do not fit. */
  claim(place: Place, bytes: number, messages: number): Promise<void>;

  /**
   * METADATA (RFC 5464): entries by lower-case name, values latin1. `place` undefined: the server's (name ""). /private/specialuse
   * are the uses that LIST tells, and setting it changes those (RFC 6154, section 4); throws NameFault USEATTR.
   */
  metadata(place: Place | undefined): Promise<ReadonlyMap<string, string>>;
  setMetadata(
    place: Place | undefined,
    values: ReadonlyMap<string, string | undefined>,
  ): Promise<void>;
}
