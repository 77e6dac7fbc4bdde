"""Settings, and the folder a gateway keeps its data in.

settings.py         every setting, once
load_settings.py    reads them from the environment and a TOML file
settings_text.py    writes config.example.toml and docs/settings.md from the table
parse_urls.py  addresses and URLs in the settings, checked
local_hosts.py      which hosts are this machine
data_folder.py      the data folder
backup.py           a backup of it, while a gateway runs on it
restore.py          the way back
restored_backup.py  whether it is the newest one, or a restored backup
"""
