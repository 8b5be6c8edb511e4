//! What remains to be done with a tree for the TFTP service, in words.

use super::text::printable;

#[derive(Clone, Debug)]
pub struct TftpFolder {
    /// Its path under the TFTP root, such as `Desktops/800x480x24`.
    pub folder: String,
    pub background: String,
    pub models: String,
    /// Nothing for a key expansion module, which shows what the phone shows.
    pub list: Option<TftpList>,
}

/// The list of a folder, and what only belongs to an entry of it.
#[derive(Clone, Debug)]
pub struct TftpList {
    pub thumbnail: String,
    /// How many entries `List.xml` has.
    pub entries: usize,
    /// Whether a `List.xml` was there, so that nothing of it is lost.
    pub merged: bool,
}

impl TftpFolder {
    /// Returns whether uploading its list can take entries away.
    pub fn is_list_from_nothing(&self) -> bool {
        self.list.as_ref().is_some_and(|list| !list.merged)
    }
}

/// Writes the steps that a person has to take, as plain text.
pub fn tftp_steps(picture: &str, folders: &[TftpFolder]) -> String {
    let mut text = format!(
        "{} as a background for phones that a push does not reach\n\n\
         The folders here are those of Unified CM's TFTP service. Upper and lower case matter in every name.\n\n",
        printable(picture)
    );
    let unseen: Vec<&TftpFolder> =
        folders.iter().filter(|folder| folder.is_list_from_nothing()).collect();
    if !unseen.is_empty() {
        text += "0. BEFORE YOU UPLOAD. For these folders no List.xml was here to be merged:\n\n";
        text.extend(unseen.iter().map(|folder| format!("       {}\n", folder.folder)));
        text += "\n   \
            If the server has one, uploading this one would take its entries away. Fetch it first, such as by\n   \
            `curl -fO http://TFTP-NODE:6970/FOLDER/List.xml` (file not found means that there is none), put it into\n   \
            its folder here, and run the same command again: it keeps every entry that it finds.\n\n";
    }
    text += "1. Upload on EVERY node that runs Cisco TFTP. Cisco Unified OS Administration > Software Upgrades >\n   \
        TFTP File Management > Upload File. For each file, write its folder into \"Directory\":\n\n";
    text.extend(folders.iter().map(|folder| {
        let list = folder.list.as_ref().map_or_else(String::new, |list| {
            let TftpList { thumbnail, entries, .. } = list;
            format!(
                "           {thumbnail}\n           List.xml  ({entries} of at most 50 entries)\n"
            )
        });
        format!(
            "       {}\n           {}\n{list}           for {}\n",
            folder.folder,
            folder.background,
            printable(&folder.models),
        )
    }));
    text += "\n2. Restart Cisco TFTP on every one of these nodes. Cisco Unified Serviceability > Tools > Control Center -\n   \
        Feature Services. Until then the service hands out what it has cached.\n\n\
        3. Users choose the picture on their phones: Settings or Applications > Preferences > Wallpaper or\n   \
        Background Images. The picture that is built in stays the first one.\n\n   \
        Or give it to all phones of a Common Phone Profile (8800, 8900, 9800 and 9900 series): uncheck \"Enable End\n   \
        User Access to Phone Background Image Setting\", write the background's file name into \"Background Image\",\n   \
        check Override, Save, Apply Config. Phones have to restart for that, and their users can no longer choose.\n\n\
        4. Keep this folder. An upgrade of Unified CM puts its own List.xml in place of yours.\n";
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_was_not_seen_is_warned_about_first() {
        let folder = |folder: &str, merged| TftpFolder {
            folder: folder.into(),
            background: "a.png".into(),
            models: "8841".into(),
            list: Some(TftpList { thumbnail: "a-tn.png".into(), entries: 1, merged }),
        };
        let text =
            tftp_steps("a\u{1b}.png", &[folder("Desktops/x", true), folder("Desktops/y", false)]);
        let warning = text.find("BEFORE YOU UPLOAD").unwrap();
        let steps = text.find("1. Upload").unwrap();
        assert!(warning < steps && !text[warning..steps].contains("Desktops/x"), "{text}");
        assert!(
            text[warning..steps].contains("Desktops/y") && text[steps..].contains("Desktops/x")
        );
        assert!(!text.contains('\u{1b}'));
        let all_seen = tftp_steps("a.png", &[folder("Desktops/x", true)]);
        assert!(!all_seen.contains("BEFORE"));
    }
}
