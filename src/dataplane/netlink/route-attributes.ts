/** The wire form of a route: the numbers of linux/rtnetlink.h that this project uses. */
export const HEADER_LENGTH = 12;

export const DST = 1;
export const OIF = 4;
export const GATEWAY = 5;
export const PRIORITY = 6;
export const PREFSRC = 7;
export const TABLE = 15;

export const RTN_UNSPEC = 0;
export const RTN_UNICAST = 1;
export const RTN_BLACKHOLE = 6;

export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_NOWHERE = 255;

export const RT_TABLE_UNSPEC = 0;
export const RT_TABLE_COMPAT = 252;
export const RT_TABLE_MAIN = 254;

export const RTPROT_UNSPEC = 0;
export const RTPROT_STATIC = 4;
export const RTNH_F_ONLINK = 4;
/** The route is a copy that the kernel made for one flow. */
export const RTM_F_CLONED = 0x200;

/** struct rtmsg. */
export interface RouteHeader {
  readonly family: number;
  readonly length: number;
  readonly table: number;
  readonly protocol: number;
  readonly scope: number;
  readonly type: number;
  readonly flags: number;
}

/** Tables above 255 do not fit: the attribute TABLE names them. */
export function routeHeader({ family, length, table, protocol, scope, type, flags }: RouteHeader): Buffer {
  const rtmsg = Buffer.alloc(HEADER_LENGTH);
  rtmsg.writeUInt8(family, 0);
  rtmsg.writeUInt8(length, 1);
  rtmsg.writeUInt8(table > 0xff ? RT_TABLE_COMPAT : table, 4);
  rtmsg.writeUInt8(protocol, 5);
  rtmsg.writeUInt8(scope, 6);
  rtmsg.writeUInt8(type, 7);
  rtmsg.writeUInt32LE(flags, 8);
  return rtmsg;
}
